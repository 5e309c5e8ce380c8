/*
 * The reader: makes runs of captures (run.h), the one that its command line orders, or many that
 * come as jobs (jobs.h), several of them under way at once.
 */
#ifndef TAPLINE_READER_H
#define TAPLINE_READER_H

#include "common/base/opts.h"
#include "common/bus/stage.h"
#include "stages/reader/run.h"

struct reader_options {
    struct run_settings runs; /* but the profile, which is read from: */
    const char *profile; /* a file that holds the checked profile document */
    const char *out;     /* the results' directory */
    const char *summary; /* file that the summary is written to, as one line of JSON; NULL: none */
    const char *filter;  /* the expression that runs.filter is compiled from; NULL: none */
    const char *jobs;    /* file of jobs; NULL: the captures are operands */
    uint64_t at_once;    /* how many jobs may be under way at once */
};

extern const struct reader_options READER_OPTIONS_DEFAULT;
extern const struct opt READER_OPTS[];
extern const size_t READER_OPTS_COUNT;

struct reader;

/** A reader of these captures, or of jobs, where the options name a file of them; all are borrowed
 *  for its life. NULL: no memory. */
struct reader *reader_new(const struct reader_options *options, const char *const *paths,
                          size_t count);

/** The stage's hooks (stage.h): `reader` is the shared object. */
int reader_ready(void *reader, struct stage *stage);
int reader_pull(void *reader);
void reader_closing(void *reader);

/** What its run came to; EXIT_PIPELINE as long as nothing was published. Of jobs: EXIT_DONE once
 *  every one was answered. */
enum exit_status reader_status(const struct reader *reader);

/** And its runs. NULLs the caller's pointer, and accepts NULL in it. */
void reader_free(struct reader **reader);

#endif
