/*
 * The tracker's core: frames in, flow events out. One object for one attempt at one capture; its
 * functions fit `struct stage_hooks`.
 *
 * A flow ends where a packet on its endpoints comes after its idle limit (by the flow's own times),
 * or where a SYN starts another connection there. So that flows which nobody continues give their
 * memory back, they are also let go by the capture's clock: once that is past the flow's latest
 * moment by its idle limit and a slack of 600 s for times out of order. Both are asked at a
 * packet's arrival too, so that a result does not depend on when a worker happens to look.
 */
#ifndef TAPLINE_TRACKER_TRACKER_H
#define TAPLINE_TRACKER_TRACKER_H

#include <stdint.h>

#include "common/bus/outlet.h"
#include "common/wire/capture.h"
#include "common/wire/event.h"
#include "common/wire/frame.h"

struct tracker;

/** A core without flows. The outlet must outlive it; the capture is not needed afterwards.
 *  NULL, with *error set: no memory. */
struct tracker *tracker_new(const struct capture *capture, const struct outlet *outlet, int *error);

/** Takes the next frames, at most STAGE_AHEAD: what they need is fetched into the cache at the same
 *  time. 0, -ENOMEM, ERR_FLOWS, or the outlet's error; after an error the tracker is only good for
 *  being freed. */
int tracker_frames(struct tracker *tracker, const struct frame *frames, uint32_t count);

/** The capture's time has reached `time_ns`. 0, or the outlet's error. */
int tracker_clock(struct tracker *tracker, int64_t time_ns);

/** The reader sent everything, `frames` frames to this tracker: closes every flow and tallies.
 *  0, ERR_LOST where other than so many came, -ENOMEM, or the outlet's error. */
int tracker_finish(struct tracker *tracker, uint64_t frames);

/** A stage behind says what it wants next of a flow. Of a flow that ended, it means nothing. */
void tracker_demand(struct tracker *tracker, const struct demand *demand);

/** Frees it and nulls the pointer; accepts NULL. */
void tracker_free(struct tracker **tracker);

#endif
