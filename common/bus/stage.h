/*
 * The loop that every stage runs, once for all of them: sockets, the lobby, one core object for
 * each capture attempt, batches in and out, flushing, stopping. A stage's main() only wires its
 * core's functions into `struct stage_hooks`.
 */
#ifndef TAPLINE_COMMON_STAGE_H
#define TAPLINE_COMMON_STAGE_H

#include <stdint.h>
#include <tapline/wire.h>

#include "common/base/opts.h"
#include "common/bus/outlet.h"
#include "common/wire/capture.h"
#include "common/wire/event.h"
#include "common/wire/frame.h"
#include "common/wire/unpack.h"

struct stage;

/**
 * What a stage's core can do. A core is one object for one attempt at one capture; functions that
 * a role has no use for are NULL. A negative return ends the attempt (the reader is told).
 */
struct stage_hooks {
    enum tapline_role role;
    const char *name; /* "tapline-tracker" */

    /** A new attempt: makes its core. `outlet` lives as long as the core does; `capture` and what
     *  it points to only as long as this call. NULL, with *error set, where that fails. */
    void *(*begin)(void *shared, const struct capture *capture, const struct outlet *outlet,
                   int *error);
    /** tracker: one frame. */
    int (*frame)(void *core, const struct frame *frame);
    /** tracker: capture time has reached `time_ns`. */
    int (*clock)(void *core, int64_t time_ns);
    /** tracker: the reader has sent everything, `frames` of them to this tracker: close every flow and tally. */
    int (*finish)(void *core, uint64_t frames);
    /** One event; `from` is where demand for its flow goes. */
    int (*event)(void *core, uint32_t from, const struct event *event);
    /** A stage behind wants this. */
    void (*demand)(void *core, const struct demand *demand);
    /** Any other message of this attempt (kind, body); for sink and reader. */
    int (*message)(void *core, enum tapline_kind kind, struct unpack *body);
    /** Called when the inbox has been quiet for a moment and outgoing batches are flushed. */
    int (*quiet)(void *core);
    /** Frees the core and nulls the pointer. */
    void (*end)(void **core);

    /** reader: the source. Called again and again while it returns 0; ERR_AGAIN: nothing now;
     *  anything else ends the loop. */
    int (*pull)(void *shared);
};

#endif
