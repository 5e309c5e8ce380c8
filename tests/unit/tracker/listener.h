/*
 * A stage behind the tracker, as the contract has it: it says what it wants next, and ignores what
 * it declined even when it comes. What it acts on goes into a digest; so does the end of each flow.
 * It also checks what every stage relies on: an OPEN first, offsets in order, no event after a
 * CLOSE, a trail that counts right, and that nothing is older than a mark that came before it.
 */
#ifndef TAPLINE_TESTS_LISTENER_H
#define TAPLINE_TESTS_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus/outlet.h"
#include "common/wire/event.h"

enum { LISTENER_FLOWS = 512, LISTENER_PENDING = 64 };

/** What it is to do where the tracker broke a promise: shows the promise and ends the test. */
#define LISTENER_PROMISE(what)                                                                     \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "broken: %s\n", #what);                                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct listener_side {
    uint64_t came;   /* the end of the latest event */
    uint64_t offset; /* of FROM and TURN */
    uint32_t want;   /* enum tapline_want */
};

struct listener_flow {
    bool opened, closed;
    uint64_t events;
    uint64_t digest;
    struct listener_side side[DIRECTIONS];
};

struct listener {
    bool demands; /* it tells the tracker; else it keeps what it wants to itself */
    bool strict;  /* everything comes: offsets must follow each other without a break */
    struct listener_flow flows[LISTENER_FLOWS];
    struct demand pending[LISTENER_PENDING]; /* said, not yet delivered */
    uint32_t pending_count;
    uint64_t closes, tallies;
    uint64_t marks, marked; /* and the flows that they counted */
    int64_t oldest_ns, kept_ns; /* as the marks say of flows, and of packets */
    bool backwards;         /* times ran back by more than the slack: the marks do not hold */
    uint64_t silent_after;  /* the packet that the flow was last silent behind, for more than a minute:
                               what waited then may be older than a mark of packets says */
};

static inline bool listener_in_time(const struct listener *l, int64_t bound_ns, int64_t time_ns)
{
    return !l->marks || l->backwards || time_ns >= bound_ns;
}

static inline void listener_mix(struct listener_flow *flow, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++)
        flow->digest = (flow->digest ^ at[i]) * 0x100000001b3u;
}

static inline void listener_mix_number(struct listener_flow *flow, uint64_t number)
{
    listener_mix(flow, &number, sizeof number);
}

/* Chosen by what it acted on, so that it chooses alike whatever else comes. It declines only what
 * lies behind what it received, and never takes back. */
static inline void listener_choose(struct listener *l, uint64_t id, struct listener_flow *flow)
{
    uint64_t dice = flow->digest * 0x9e3779b97f4a7c15u >> 40;
    struct listener_side *side = &flow->side[dice & 1];
    uint64_t from = side->offset > side->came ? side->offset : side->came;
    if (dice >> 1 & 3 || side->want == TAPLINE_WANT_NOTHING)
        return;
    if ((dice >> 3 & 31) == 0)
        side->want = TAPLINE_WANT_NOTHING;
    else if (side->want == TAPLINE_WANT_TURN)
        return;
    else
        side->want = dice >> 3 & 1 ? TAPLINE_WANT_FROM : TAPLINE_WANT_TURN;
    side->offset = from + (dice >> 8 & 3) * (dice >> 10 & 63);
    bool lost = (dice >> 16 & 7) == 0;
    if (l->demands && !lost && l->pending_count < LISTENER_PENDING)
        l->pending[l->pending_count++] = (struct demand){
            .flow = id, .direction = dice & 1, .want = side->want, .offset = side->offset};
}

static inline bool listener_acts(struct listener_side *side, uint64_t offset, uint64_t end,
                                 bool turn)
{
    if (side->want == TAPLINE_WANT_TURN && turn && offset >= side->offset)
        side->want = TAPLINE_WANT_FROM;
    return side->want == TAPLINE_WANT_FROM && end > side->offset;
}

static inline void listener_range(struct listener *l, struct listener_flow *flow, int direction,
                                  uint64_t offset, uint64_t end)
{
    struct listener_side *side = &flow->side[direction];
    LISTENER_PROMISE(flow->opened && !flow->closed);
    LISTENER_PROMISE(end > offset);
    LISTENER_PROMISE(l->strict ? offset == side->came : offset >= side->came);
    side->came = end;
    flow->events++;
}

static inline void listener_data(struct listener *l, uint64_t id, struct listener_flow *flow,
                                 const struct event_data *data, bool tcp)
{
    uint64_t end = data->offset + (tcp ? data->length : 1);
    bool turn = data->flags & TAPLINE_TURN;
    listener_range(l, flow, data->direction, data->offset, end);
    LISTENER_PROMISE(listener_in_time(l, l->oldest_ns, data->time_ns));
    LISTENER_PROMISE(data->packet <= l->silent_after ||
                     listener_in_time(l, l->kept_ns, data->time_ns));
    if (!listener_acts(&flow->side[data->direction], data->offset, end, turn))
        return;
    listener_mix_number(flow, data->direction);
    listener_mix_number(flow, data->offset);
    listener_mix_number(flow, data->flags);
    listener_mix_number(flow, data->packet);
    listener_mix_number(flow, (uint64_t)data->time_ns);
    listener_mix(flow, data->bytes, data->length);
    listener_choose(l, id, flow);
}

static inline void listener_gap(struct listener *l, uint64_t id, struct listener_flow *flow,
                                const struct event_gap *gap)
{
    uint64_t end = gap->offset + gap->length;
    listener_range(l, flow, gap->direction, gap->offset, end);
    if (!listener_acts(&flow->side[gap->direction], gap->offset, end, false))
        return;
    listener_mix_number(flow, gap->direction);
    listener_mix_number(flow, gap->offset);
    listener_mix_number(flow, gap->length);
    listener_choose(l, id, flow);
}

static inline void listener_close(struct listener *l, struct listener_flow *flow,
                                  const struct event_close *close, enum tapline_role to)
{
    const struct figures *f = &close->figures;
    LISTENER_PROMISE(!flow->closed);
    LISTENER_PROMISE(to == (flow->opened ? TAPLINE_CLASSIFIER : TAPLINE_SINK));
    LISTENER_PROMISE(close->trail_count == 1 && close->trail[0].sent == flow->events);
    LISTENER_PROMISE(close->period == l->marks);
    LISTENER_PROMISE(listener_in_time(l, l->oldest_ns, f->start_ns));
    flow->closed = true;
    l->closes++;
    listener_mix_number(flow, (uint64_t)f->start_ns);
    listener_mix_number(flow, (uint64_t)f->end_ns);
    listener_mix_number(flow, (uint64_t)f->rtt_ns);
    listener_mix_number(flow, f->syn << 32 | f->fin << 16 | f->rst);
    for (int d = 0; d < DIRECTIONS; d++) {
        listener_mix_number(flow, f->packets[d]);
        listener_mix_number(flow, f->bytes[d]);
        listener_mix_number(flow, f->ended[d]);
        listener_mix_number(flow, f->port[d]);
    }
}

static inline int listener_event(void *context, enum tapline_role to, outlet_route *route,
                                 const struct event *event)
{
    struct listener *l = context;
    uint64_t count = event->flow & 0xffffffffffff;
    LISTENER_PROMISE(count > 0 && count < LISTENER_FLOWS);
    struct listener_flow *flow = &l->flows[count];
    LISTENER_PROMISE(*route == (flow->opened ? 7u : 0u));
    *route = 7;
    switch (event->kind) {
    case TAPLINE_OPEN:
        LISTENER_PROMISE(!flow->opened && !flow->closed);
        flow->opened = true;
        break;
    case TAPLINE_DATA: listener_data(l, event->flow, flow, &event->data, true); break;
    case TAPLINE_GAP: listener_gap(l, event->flow, flow, &event->gap); break;
    case TAPLINE_CLOSE: listener_close(l, flow, &event->close, to); break;
    default: abort();
    }
    return 0;
}

/* Each ends a period, and counts what was closed in it. */
static inline int listener_mark(void *context, const struct mark *mark)
{
    struct listener *l = context;
    LISTENER_PROMISE(mark->period == l->marks && mark->closed == l->closes - l->marked);
    l->oldest_ns = l->marks && mark->oldest_ns < l->oldest_ns ? l->oldest_ns : mark->oldest_ns;
    l->kept_ns = l->marks && mark->kept_ns < l->kept_ns ? l->kept_ns : mark->kept_ns;
    l->marked = l->closes;
    l->marks++;
    return 0;
}

static inline int listener_tally(void *context, const struct buffer *map)
{
    struct listener *l = context;
    (void)map;
    l->tallies++;
    return 0;
}

#endif
