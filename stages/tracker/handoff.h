/*
 * What is sent on of flows: OPEN before the first event (and at once to a sink that asked for it),
 * bytes and gaps as far as they are wanted, CLOSE at the end.
 */
#ifndef TAPLINE_TRACKER_HANDOFF_H
#define TAPLINE_TRACKER_HANDOFF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/bus/outlet.h"
#include "common/wire/capture.h"
#include "stages/tracker/counters.h"
#include "stages/tracker/flow.h"

/** What all flows of one capture share. */
struct handoff {
    const struct outlet *outlet;
    struct limits limits;
    bool opens; /* the sink hears of flows when they begin */
    LIST_HEAD(, reorder) reorders; /* of all streams (reassembly.h) */
    struct counters counters;
};

/** Tells the sink of a flow that begins, if it wants to hear. 0 or the outlet's error. */
int handoff_begin(struct handoff *handoff, const struct flow *flow);

/** Hands on bytes of a stream, or a datagram, of one direction, and drops what nobody wants. They
 *  stand in `event->data`; the rest of the event is filled in here. `end` is the offset behind it.
 *  0 or the outlet's error. */
int handoff_data(struct handoff *handoff, struct flow *flow, struct event *event, uint64_t end);

/** Hands on that bytes of a stream are lost. 0 or the outlet's error. */
int handoff_gap(struct handoff *handoff, struct flow *flow, int direction, uint64_t offset,
                uint64_t length);

/** Hands on the flow's end, in that period of the tracker's work: the way that it went, or straight
 *  to the sink. 0 or the outlet's error. */
int handoff_close(struct handoff *handoff, struct flow *flow, uint64_t period);

#endif
