/*
 * The reader: opens captures, gathers a pipeline, plays the frames into its trackers, and waits
 * until the sink has published the results. Its exit status is the run's.
 */
#ifndef TAPLINE_READER_H
#define TAPLINE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/bus/stage.h"
#include "common/wire/capture.h"

struct reader_options {
    const char *out;     /* the results' directory */
    const char *profile; /* a file that holds the checked profile document */
    const char *request; /* JSON object: what was asked for, for ledger.json */
    const char *summary; /* file that the summary is written to, as one line of JSON; NULL: none */
    uint64_t trackers, classifiers, extractors, sinks; /* how many to wait for */
    int64_t gather_ns;   /* how long to wait for them */
    int64_t publish_ns;  /* how long the results may take, with a second for every 10 MiB read */
    uint64_t retries;    /* how often a capture is played again */
    const char *spool;   /* folder for what cannot be opened again; NULL: $TMPDIR or /tmp */
    bool quiet;          /* no progress */
};

extern const struct reader_options READER_OPTIONS_DEFAULT;
extern const struct opt READER_OPTS[];
extern const size_t READER_OPTS_COUNT;

struct reader;

/** A reader of these captures; options, limits and paths are borrowed for its life. NULL: no
 *  memory. */
struct reader *reader_new(const struct reader_options *options, const struct limits *limits,
                          const char *const *paths, size_t count);

/** The stage's hooks (stage.h); `reader` is the shared object and the core of its attempts.
 *  reader_ready opens the captures, with signals and the lifeline already watched, as a pipe may
 *  let it wait: an error, with a line on stderr, where one cannot be read. */
int reader_ready(void *reader, struct stage *stage);
int reader_pull(void *reader);
int reader_message(void *reader, const struct message_head *head, struct unpack *body);
void reader_end(void **reader);
void reader_closing(void *reader);

/** What the run came to; EXIT_PIPELINE as long as nothing was published. */
enum exit_status reader_status(const struct reader *reader);

void reader_free(struct reader **reader);

#endif
