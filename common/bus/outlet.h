/*
 * Where a stage's core hands on what it makes. The core knows roles and flows, not sockets:
 * the stage (stage.h) puts a real outlet under it, a test one that records.
 *
 * A flow's events go to one worker of the next role, in order. Which one is chosen when the
 * flow is opened there, and kept in the flow's own `route`.
 */
#ifndef TAPLINE_COMMON_OUTLET_H
#define TAPLINE_COMMON_OUTLET_H

#include <stdint.h>
#include <tapline/wire.h>

#include "common/base/buffer.h"
#include "common/wire/event.h"
#include "common/wire/mark.h"

/** The worker that a flow's events go to: 0 until the first is sent, then the outlet's own word. */
typedef uint32_t outlet_route;

struct outlet {
    void *context;

    /** Hands on one event of a flow to the worker of that role; blocks while that worker's queue
     *  is full. The event is copied. 0, or an error that ends the attempt. */
    int (*event)(void *context, enum tapline_role to, outlet_route *route,
                 const struct event *event);

    /** Tells the worker that feeds a flow (the `from` that its events came with; for a classifier
     *  the tracker, for an extractor the classifier) what is wanted. Never blocks; may be lost. */
    void (*demand)(void *context, uint32_t from, const struct demand *demand);

    /** Sends the sink what this worker counted in this capture (a tracker's TALLY): `map` is one
     *  msgpack map. Follows everything that was handed on before. */
    int (*tally)(void *context, const struct buffer *map);

    /** Sends a mark on, behind everything that was handed on before, to all workers that this one
     *  feeds, and to the sink with how many these were. One that leaves does not get it, and the
     *  sink learns that nothing is known. 0, or an error that ends the attempt. */
    int (*mark)(void *context, const struct mark *mark);

    /** Tells the capture's reader something over its control inbox (ACCEPT, ASK, OUTCOME, FAULT):
     *  `body` is one msgpack value. */
    int (*tell)(void *context, enum tapline_kind kind, const struct buffer *body);
};

/* What the outlet's functions say, in the way that one calls them. */

static inline int outlet_event(const struct outlet *o, enum tapline_role to, outlet_route *route,
                               const struct event *event)
{
    return o->event(o->context, to, route, event);
}

static inline void outlet_demand(const struct outlet *o, uint32_t from,
                                 const struct demand *demand)
{
    o->demand(o->context, from, demand);
}

static inline int outlet_tally(const struct outlet *o, const struct buffer *map)
{
    return o->tally(o->context, map);
}

static inline int outlet_mark(const struct outlet *o, const struct mark *mark)
{
    return o->mark(o->context, mark);
}

static inline int outlet_tell(const struct outlet *o, enum tapline_kind kind,
                              const struct buffer *body)
{
    return o->tell(o->context, kind, body);
}

#endif
