/*
 * The loop that every program of the pipeline runs, once for all of them: sockets, the lobby,
 * one core object for each capture attempt, batches in and out, flushing, stopping. A program's
 * main() only wires its core's functions into `struct stage_hooks`.
 */
#ifndef TAPLINE_COMMON_STAGE_H
#define TAPLINE_COMMON_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <tapline/wire.h>

#include "common/bus/outlet.h"
#include "common/bus/peers.h"
#include "common/bus/session.h"
#include "common/bus/stage_options.h"
#include "common/wire/capture.h"
#include "common/wire/event.h"
#include "common/wire/frame.h"
#include "common/wire/message.h"
#include "common/wire/unpack.h"

struct stage;

/** How many events, or frames, are read ahead. */
enum { STAGE_AHEAD = 16 };

/**
 * What a program can do. A core is one object for one attempt at one capture; functions that a
 * role has no use for are NULL. Where a core's function returns an error, that attempt ends here
 * and its reader is told; the process goes on.
 */
struct stage_hooks {
    enum tapline_role role;
    const char *name; /* "tapline-tracker" */

    /** A new attempt: makes its core. `outlet` lives as long as the core does; `capture` and what
     *  it points to as well. NULL, with *error set, where that fails; 0 says that the core has told
     *  the reader itself. */
    void *(*begin)(void *shared, const struct capture *capture, const struct outlet *outlet,
                   int *error);
    /** tracker: the next frames, at most STAGE_AHEAD. */
    int (*frames)(void *core, const struct frame *frames, uint32_t count);
    /** tracker: capture time has reached `time_ns`. */
    int (*clock)(void *core, int64_t time_ns);
    /** tracker: the reader has sent everything, `frames` of them to this tracker: close every
     *  flow and tally. */
    int (*finish)(void *core, uint64_t frames);
    /** One event; `from` is where demand for its flow goes. */
    int (*event)(void *core, uint32_t from, const struct event *event);
    /** These events, at most STAGE_AHEAD, come next, each by the function above: a chance to have
     *  what they need fetched into the cache, all at the same time. NULL: no need. */
    void (*expect)(void *core, const struct event *events, uint32_t count);
    /** A tracker's mark came from that worker, behind what it sent before. */
    int (*mark)(void *core, uint32_t from, const struct mark *mark);
    /** A stage behind wants this. */
    void (*demand)(void *core, const struct demand *demand);
    /** Any other message: of an attempt to its core; lobby: of none (capture 0), to
     *  `shared`. */
    int (*message)(void *core, const struct message_head *head, struct unpack *body);
    /** To each core, in every turn of the loop; `now_ns` is monotonic. */
    int (*turn)(void *core, int64_t now_ns);
    /** Frees the core and nulls the pointer. */
    void (*end)(void **core);

    /** The sockets are open; the loop begins. */
    int (*ready)(void *shared, struct stage *stage);
    /** The loop has ended: close what was opened on the bus. */
    void (*closing)(void *shared);
    /** reader: the source. Called again and again while it returns 0; ERR_AGAIN: nothing now,
     *  wait for messages; anything else ends the loop (ERR_EOF: well). */
    int (*pull)(void *shared);
    /** After stage_watch: called in every turn of the loop, and soon when there is something to
     *  read on that socket. An error ends the loop. */
    int (*attend)(void *shared);
    /** About once a second; `now_ns` is monotonic. An error ends the loop. */
    int (*tick)(void *shared, int64_t now_ns);
};

/**
 * Opens the sockets, runs the loop until it is told to stop or a hook ends it, closes. SIGTERM
 * lets a worker finish what it has and take nothing new; a second one, SIGINT or the lifeline's end
 * stops it at once. Returns the exit status; what went wrong was said on stderr.
 */
int stage_main(const struct stage_hooks *hooks, const struct stage_options *options, void *shared);

/** The whole of a worker that has no options of its own: parses the command line, then stage_main.
 *  Returns the exit status. */
int stage_program(const struct stage_hooks *hooks, const struct opt_usage *usage, void *shared,
                  int argc, char **argv);

/** The bus, and the peers on it. */
const struct bus *stage_bus(const struct stage *stage);
struct peers *stage_peers(struct stage *stage);

/** The endpoint under which others reach this process's control inbox. */
const char *stage_control_endpoint(const struct stage *stage);

/** Waits on a socket of the program's own as well, beside the inboxes (see the hook `attend`). */
void stage_watch(struct stage *stage, void *socket);

/** Waits on a descriptor of the program's own as well, until it has something to read; -1: on none
 *  any more. */
void stage_watch_descriptor(struct stage *stage, int descriptor);

/** reader: opens an attempt of its own; `core` gets its messages. The stage keeps the session.
 *  NULL, with *error set. */
struct session *stage_attempt(struct stage *stage, const struct capture *capture, void *core,
                              int *error);

/** Frees what the attempts at a capture up to this one hold here (reader; others are told by
 *  RELEASE). */
void stage_release(struct stage *stage, uint64_t capture, uint64_t attempt);

/** Monotonic time in nanoseconds. */
int64_t stage_now(void);

#endif
