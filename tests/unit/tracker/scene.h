/*
 * A tracker under test between two hosts: packets are built here and played to it, and what it
 * hands on is written down.
 */
#ifndef TAPLINE_TESTS_SCENE_H
#define TAPLINE_TESTS_SCENE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/net/link.h"
#include "common/net/packet.h"
#include "stages/tracker/tracker.h"

#define MS ((int64_t)1000000)
#define SECOND (1000 * MS)

enum {
    UP = FROM_INITIATOR,
    DOWN = FROM_RESPONDER,
    SCENE_EVENTS = 4096,
    SCENE_MARKS = 64,
    SCENE_START = 1000
};

/** One event that was handed on; a DATA event's bytes stand in the scene's buffer from `at` on. */
struct noted {
    enum tapline_role to;
    struct event event;
    size_t at;
};

struct scene {
    struct tracker *tracker;
    struct outlet outlet;
    struct noted *noted;
    size_t count;
    struct buffer bytes;
    struct buffer tally;
    struct mark marks[SCENE_MARKS];
    size_t mark_count;
    uint64_t frames;
    int64_t now;      /* of the next frame; each comes 1 ms after the one before */
    uint16_t port[2]; /* host 0 is 192.0.2.1, host 1 is 192.0.2.2 */
    uint32_t cut;     /* bytes that the snap length takes from the next frame */
    uint16_t ip_id;
};

static inline int scene_note(void *context, enum tapline_role to, outlet_route *route,
                             const struct event *event)
{
    struct scene *s = context;
    assert(s->count < SCENE_EVENTS);
    s->noted[s->count++] = (struct noted){.to = to, .event = *event, .at = s->bytes.length};
    if (event->kind == TAPLINE_DATA)
        buffer_append(&s->bytes, event->data.bytes, event->data.length);
    *route = 7;
    return 0;
}

static inline int scene_tally(void *context, const struct buffer *map)
{
    struct scene *s = context;
    return buffer_append(&s->tally, map->bytes, map->length);
}

static inline int scene_mark(void *context, const struct mark *mark)
{
    struct scene *s = context;
    assert(s->mark_count < SCENE_MARKS);
    s->marks[s->mark_count++] = *mark;
    return 0;
}

static inline void scene_open_with(struct scene *s, const struct limits *limits)
{
    int error = 0;
    struct capture capture = {.id = 42, .index = 2, .limits = *limits};
    *s = (struct scene){.now = SCENE_START * SECOND, .port = {40000, 80}};
    s->outlet = (struct outlet){
        .context = s, .event = scene_note, .tally = scene_tally, .mark = scene_mark};
    s->noted = calloc(SCENE_EVENTS, sizeof *s->noted);
    s->tracker = tracker_new(&capture, &s->outlet, &error);
    assert(s->noted && s->tracker);
}

static inline void scene_open(struct scene *s)
{
    scene_open_with(s, &LIMITS_DEFAULT);
}

static inline void scene_close(struct scene *s)
{
    tracker_free(&s->tracker);
    buffer_free(&s->bytes);
    buffer_free(&s->tally);
    free(s->noted);
}

/* ---- packets --------------------------------------------------------------------------------- */

static inline uint8_t *put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

static inline uint8_t *put32(uint8_t *at, uint32_t value)
{
    return put16(put16(at, value >> 16), value);
}

/** Plays one frame of raw IP, cut as the scene says. */
static inline int scene_frame(struct scene *s, const uint8_t *bytes, uint32_t length)
{
    uint32_t captured = length > s->cut ? length - s->cut : 0;
    uint8_t *copy = malloc(captured ? captured : 1); /* so that a read beyond it is noticed */
    assert(copy);
    if (captured)
        memcpy(copy, bytes, captured);
    struct frame frame = {.number = ++s->frames,
                          .time_ns = s->now,
                          .link = LINK_RAW,
                          .wire_length = length,
                          .bytes = copy,
                          .length = captured};
    int error = tracker_frames(s->tracker, &frame, 1);
    free(copy);
    s->now += MS;
    s->cut = 0;
    return error;
}

/** An IPv4 header from host `from`; `part`: flags and offset in units of 8 bytes. */
static inline uint8_t *put_ipv4(uint8_t *at, int from, uint8_t protocol, uint32_t length,
                                uint16_t id, uint16_t part)
{
    at = put16(at, 0x4500);
    at = put16(at, 20 + length);
    at = put16(at, id);
    at = put16(at, part);
    *at++ = 64;
    *at++ = protocol;
    at = put16(at, 0);
    at = put32(at, from == UP ? 0xc0000201 : 0xc0000202);
    return put32(at, from == UP ? 0xc0000202 : 0xc0000201);
}

static inline int scene_segment(struct scene *s, int from, uint8_t flags, uint32_t seq,
                                uint32_t ack, const void *payload, uint32_t length)
{
    uint8_t packet[40 + 65536], *at = put_ipv4(packet, from, 6, 20 + length, s->ip_id, 0);
    at = put16(at, s->port[from]);
    at = put16(at, s->port[!from]);
    at = put32(at, seq);
    at = put32(at, ack);
    *at++ = 5 << 4;
    *at++ = flags;
    at = put16(at, 65535);
    at = put32(at, 0);
    if (length)
        memcpy(at, payload, length);
    return scene_frame(s, packet, 40 + length);
}

static inline int scene_datagram(struct scene *s, int from, const void *payload, uint32_t length)
{
    uint8_t packet[28 + 65536], *at = put_ipv4(packet, from, 17, 8 + length, s->ip_id, 0);
    at = put16(at, s->port[from]);
    at = put16(at, s->port[!from]);
    at = put16(at, 8 + length);
    at = put16(at, 0);
    if (length)
        memcpy(at, payload, length);
    return scene_frame(s, packet, 28 + length);
}

/** A segment with this text as its payload. */
static inline void scene_text(struct scene *s, int from, uint32_t seq, uint32_t ack,
                              const char *text)
{
    scene_segment(s, from, TCP_ACK, seq, ack, text, (uint32_t)strlen(text));
}

/** SYN, SYN+ACK and ACK; the streams begin at 1001 and 5001. */
static inline void scene_handshake(struct scene *s)
{
    scene_segment(s, UP, TCP_SYN, 1000, 0, NULL, 0);
    scene_segment(s, DOWN, TCP_SYN | TCP_ACK, 5000, 1001, NULL, 0);
    scene_segment(s, UP, TCP_ACK, 1001, 5001, NULL, 0);
}

/* ---- what was handed on ---------------------------------------------------------------------- */

/** One direction of all flows as text, gaps as <length>, turns marked by | before them. */
static inline const char *scene_stream(const struct scene *s, int direction)
{
    static char text[65536];
    size_t length = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct event *e = &s->noted[i].event;
        size_t room = sizeof text - length;
        if (e->kind == TAPLINE_GAP && e->gap.direction == direction)
            length += (size_t)snprintf(text + length, room, "<%u>", (unsigned)e->gap.length);
        if (e->kind == TAPLINE_DATA && e->data.direction == direction)
            length += (size_t)snprintf(text + length, room, "%s%.*s",
                                       e->data.flags & TAPLINE_TURN ? "|" : "", (int)e->data.length,
                                       (const char *)s->bytes.bytes + s->noted[i].at);
    }
    text[length] = '\0';
    return text;
}

/** The n-th event of a kind, from 0 on; NULL: there are fewer. */
static inline const struct noted *scene_event(const struct scene *s, enum tapline_event kind,
                                              size_t n)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->noted[i].event.kind == (uint32_t)kind && n-- == 0)
            return &s->noted[i];
    return NULL;
}

static inline size_t scene_count(const struct scene *s, enum tapline_event kind)
{
    size_t n = 0;
    while (scene_event(s, kind, n))
        n++;
    return n;
}

/** The figures of the n-th flow that was closed. */
static inline const struct figures *scene_figures(const struct scene *s, size_t n)
{
    const struct noted *noted = scene_event(s, TAPLINE_CLOSE, n);
    return noted ? &noted->event.close.figures : NULL;
}

#endif
