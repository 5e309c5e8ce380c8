/*
 * The classifier's core: what is a flow, and who does it say it is? For each flow of one attempt
 * at one capture it holds signatures against the payload, hands what HTTP, TLS, DNS and QUIC is
 * on to the extractor, tells the tracker what nobody wants, and adds what it learned to the
 * flow's close. No sockets, no clock.
 */
#ifndef TAPLINE_CLASSIFIER_CLASSIFIER_H
#define TAPLINE_CLASSIFIER_CLASSIFIER_H

#include <stdint.h>

#include "common/bus/outlet.h"
#include "common/wire/capture.h"
#include "common/wire/event.h"

struct classifier;

/** `outlet` is borrowed for the classifier's life, `capture` for this call. NULL with *error set:
 *  ERR_USAGE (the capture's profile is none; said in the log) or -ENOMEM. */
struct classifier *classifier_new(const struct capture *capture, const struct outlet *outlet,
                                  int *error);

/** And its flows, of which nothing more is sent on. NULLs the caller's pointer, and accepts NULL in
 *  it. */
void classifier_free(struct classifier **classifier);

/**
 * Takes one event of a flow; `from` is where demand for the flow goes. 0; ERR_MALFORMED: the
 * event does not belong to an open flow, or opens an open one; -ENOMEM; or the outlet's error.
 */
int classifier_event(struct classifier *c, uint32_t from, const struct event *event);

/** Takes a tracker's mark, which comes from that worker, and sends it on. 0, -ENOMEM, or the
 *  outlet's error. */
int classifier_mark(struct classifier *c, uint32_t from, const struct mark *mark);

/** Those events, at most STAGE_AHEAD, come next: has their flows fetched into the cache. */
void classifier_expect(const struct classifier *c, const struct event *events, uint32_t count);

/** The extractor wants this of a flow. A flow that is not there any more is no error. */
void classifier_demand(struct classifier *c, const struct demand *demand);

#endif
