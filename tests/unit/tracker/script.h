/*
 * A TCP conversation laid down by bytes, for tests that want every kind of disorder: each step of
 * SCRIPT_STEP bytes is one segment, placed near where its sender's stream stands.
 */
#ifndef TAPLINE_TESTS_SCRIPT_H
#define TAPLINE_TESTS_SCRIPT_H

#include <stdio.h>

#include "tests/unit/tracker/listener.h"
#include "tests/unit/tracker/scene.h"

enum { SCRIPT_STEP = 7, SCRIPT_REORDER = 3000 };

static inline uint8_t script_flags(uint8_t choice)
{
    switch (choice & 15) {
    case 11: return TCP_ACK | TCP_FIN;
    case 12: return TCP_SYN;
    case 13: return TCP_SYN | TCP_ACK;
    case 14: return TCP_RST | TCP_ACK;
    case 15: return 0;
    default: return TCP_ACK;
    }
}

/* Mostly some milliseconds; at times longer than a hole is waited for, than a flow may be idle, or
 * backwards. */
static inline int64_t script_pause(uint8_t choice)
{
    if (choice >= 252)
        return (choice - 251) * 100 * SECOND;
    if (choice >= 250)
        return -3 * SECOND;
    return choice >= 240 ? SECOND : choice % 32 * MS;
}

static inline void script_step(struct scene *s, const uint8_t *step, uint32_t next[2], uint32_t n)
{
    uint8_t payload[64 * 8], flags = script_flags(step[0] >> 1);
    int from = step[0] & 1;
    uint32_t scale = step[0] & 0x40 ? 8 : 1, length = (step[2] & 63u) * scale;
    int8_t aside = (int8_t)step[1], ack_aside = (int8_t)step[3];
    uint32_t seq = next[from];
    if (flags & TCP_SYN) {
        next[from] += step[1] > 250 ? 1000000 : 0;
        seq = next[from] - 1;
        length = step[1] & 1 ? length : 0;
    } else if (step[1] & 1) {
        seq += (uint32_t)(aside * (int)scale);
    }
    for (uint32_t i = 0; i < length; i++)
        payload[i] = (uint8_t)(n * 7 + i);
    s->cut = step[5] < 32 ? step[5] : 0;
    scene_segment(s, from, flags, seq, next[!from] + (uint32_t)(ack_aside * (int)scale), payload,
                  length);
    uint32_t end = seq + length + (flags & TCP_SYN ? 1 : 0);
    if ((int32_t)(end - next[from]) > 0)
        next[from] = end;
    s->now += script_pause(step[4]);
}

/** Plays the bytes to a tracker that the listener hears. */
static inline void script_play(const uint8_t *bytes, size_t length, struct listener *listener)
{
    struct limits limits = LIMITS_DEFAULT;
    limits.reorder = SCRIPT_REORDER;
    struct scene s;
    scene_open_with(&s, &limits);
    s.outlet.context = listener;
    s.outlet.event = listener_event;
    s.outlet.tally = listener_tally;
    s.outlet.mark = listener_mark;
    int64_t clock = s.now;
    uint32_t next[2] = {0xffffff00, 5000}, n = 0;
    for (; length >= SCRIPT_STEP && n < LISTENER_FLOWS - 2; n++) {
        listener->backwards |= s.now < clock - TAPLINE_ORDER_SLACK * SECOND;
        script_step(&s, bytes, next, n);
        if (script_pause(bytes[4]) > 60 * SECOND)
            listener->silent_after = s.frames;
        if (bytes[6] >= 250) {
            tracker_clock(s.tracker, s.now);
            clock = s.now > clock ? s.now : clock;
        }
        if (bytes[6] & 1 && listener->pending_count > 0) { /* what was said arrives, late */
            for (uint32_t i = 0; i < listener->pending_count; i++)
                tracker_demand(s.tracker, &listener->pending[i]);
            listener->pending_count = 0;
        }
        bytes += SCRIPT_STEP;
        length -= SCRIPT_STEP;
    }
    LISTENER_PROMISE(tracker_finish(s.tracker, s.frames) == 0);
    LISTENER_PROMISE(listener->tallies == 1);
    scene_close(&s);
}

/** Plays the bytes with demand and without: the listener must have acted on the same. */
static inline void script_compare(const uint8_t *bytes, size_t length)
{
    struct listener *with = calloc(1, sizeof *with), *without = calloc(1, sizeof *without);
    LISTENER_PROMISE(with && without);
    with->demands = true;
    without->strict = true;
    script_play(bytes, length, with);
    script_play(bytes, length, without);
    LISTENER_PROMISE(with->closes == without->closes);
    for (size_t i = 0; i < LISTENER_FLOWS; i++) {
        LISTENER_PROMISE(with->flows[i].closed == without->flows[i].closed);
        LISTENER_PROMISE(with->flows[i].digest == without->flows[i].digest);
    }
    free(with);
    free(without);
}

#endif
