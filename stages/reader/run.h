/*
 * One run: a capture, or several files as one, on its way through the pipeline. It waits for
 * enough workers, plays the frames into the trackers, and lets the sink publish; where something
 * was lost on the way it does so again, as a new attempt.
 */
#ifndef TAPLINE_READER_RUN_H
#define TAPLINE_READER_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/bus/stage.h"
#include "common/wire/capture.h"
#include "stages/reader/filter.h"
#include "stages/reader/remarks.h"

/** How runs go; the same for all of a reader's. */
struct run_settings {
    const char *request;  /* JSON object: what was asked for, for ledger.json */
    struct slice profile; /* the checked profile document */
    struct limits limits;
    struct filter *filter; /* what counts of the captures; NULL: all */
    uint64_t trackers, classifiers, extractors, sinks; /* how many to wait for */
    int64_t gather_ns;  /* how long to wait for them */
    int64_t publish_ns; /* how long the results may take, with a second for every 10 MiB read */
    uint64_t retries;   /* how often a capture is played again */
    uint64_t share_from; /* captures of so many bytes or more are shared on this machine */
    const char *spool;  /* folder for what cannot be opened again; NULL: $TMPDIR or /tmp */
    bool quiet;         /* no progress */
};

/** What is to be read. */
struct run_order {
    const char *out; /* the results' directory */
    const char *const *paths;
    size_t count;
};

struct run;

/** A run that has not begun. Everything but the order itself is borrowed for its life. NULL: no
 *  memory. */
struct run *run_new(struct stage *stage, const struct run_settings *settings,
                    const struct run_order *order, struct remarks *remarks);

/** Does what is next: 0: and there is more to do; ERR_AGAIN: it waits for messages; ERR_EOF: it is
 *  over (and stays so); ERR_STOPPED: a signal interrupted it. What went wrong was remarked. */
int run_step(struct run *run);

/** A message of its attempt, which is the stage's session `core` for. Returns 0. */
int run_message(struct run *run, const struct message_head *head, struct unpack *body);

/** Its attempt's session is about to go (the stage's hook `end`). */
void run_released(struct run *run);

/** Takes a line of progress away for good. */
void run_hide(struct run *run);

/** What it came to: EXIT_PIPELINE as long as nothing was published. */
enum exit_status run_status(const struct run *run);

/** The summary of what was published, as one line of JSON; empty: nothing was. */
struct slice run_summary(const struct run *run);

/** Its attempt is given up where it is not over. */
void run_free(struct run **run);

#endif
