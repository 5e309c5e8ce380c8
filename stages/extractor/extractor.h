/*
 * The extractor's core: what the classifier recognised as HTTP, TLS, DNS or QUIC is read here, one
 * conversation for each flow. Records go to the sink as they are finished; a flow's CLOSE follows
 * them with what was learned. Holds no sockets and no clock: one object for one attempt at one
 * capture, fitting `struct stage_hooks` (common/bus/stage.h).
 */
#ifndef TAPLINE_EXTRACTOR_H
#define TAPLINE_EXTRACTOR_H

#include <stdint.h>

#include "common/bus/outlet.h"
#include "common/wire/capture.h"
#include "common/wire/event.h"

struct extractor;

/** The core for one attempt. `capture` is only read during the call, `outlet` borrowed for the
 *  object's life. NULL, with *error = -ENOMEM, where there is no memory. */
struct extractor *extractor_new(const struct capture *capture, const struct outlet *outlet,
                                int *error);

/**
 * One event of a flow; `from` is where demand for it goes. 0, or what ends the attempt: -ENOMEM,
 * the outlet's error, or ERR_MALFORMED for an event of a flow that was never opened, or opened
 * twice.
 */
int extractor_event(struct extractor *extractor, uint32_t from, const struct event *event);

/** Takes a tracker's mark, which comes from that worker, and sends it on. 0, -ENOMEM, or the
 *  outlet's error. */
int extractor_mark(struct extractor *extractor, uint32_t from, const struct mark *mark);

/** Those events, at most STAGE_AHEAD, come next: has their flows fetched into the cache. */
void extractor_expect(const struct extractor *extractor, const struct event *events,
                      uint32_t count);

/** Frees it, with the flows that are still open, and nulls the pointer; accepts NULL. Says in the
 *  log what the limits cost. */
void extractor_free(struct extractor **extractor);

#endif
