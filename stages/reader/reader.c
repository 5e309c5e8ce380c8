#include "stages/reader/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "stages/reader/description.h"
#include "stages/reader/jobs.h"
#include "stages/reader/playing.h"

#define SECONDS(n) (INT64_C(1000000000) * (n))

enum { AT_ONCE_MAX = 256 };

/* One that is under way. */
struct errand {
    struct run *run;
    struct job *job; /* NULL: it was ordered on the command line */
    struct remarks remarks;
};

struct reader {
    const struct reader_options *options;
    struct run_order order; /* of the command line */
    struct run_settings settings;
    struct buffer profile;
    struct stage *stage;
    struct jobs *jobs; /* NULL: there is but the one run */
    bool ordered;      /* all that there will be */
    struct errand *errands[AT_ONCE_MAX];
    uint64_t count;
    enum exit_status status;
};

const struct reader_options READER_OPTIONS_DEFAULT = {
    .runs = {.request = "{}",
             .trackers = 1,
             .classifiers = 1,
             .extractors = 1,
             .sinks = 1,
             .gather_ns = SECONDS(10),
             .publish_ns = SECONDS(120),
             .retries = 2,
             .share_from = 1 << 20},
    .at_once = 8,
};

#define OPTION(field) offsetof(struct reader_options, field)

const struct opt READER_OPTS[] = {
    {"out", OPT_TEXT, OPTION(out), "DIR", "where the results go", 0, 0},
    {"profile", OPT_TEXT, OPTION(profile), "FILE",
     "a profile document, as tapline-classifier --print-profile writes it", 0, 0},
    {"request", OPT_TEXT, OPTION(runs.request), "JSON",
     "what was asked for, kept in ledger.json", 0, 0},
    {"filter", OPT_TEXT, OPTION(filter), "EXPRESSION",
     "take only the frames that match it, as tcpdump does (pcap-filter(7)); those with a VLAN tag "
     "match \"vlan and ...\" only", 0, 0},
    {"summary", OPT_TEXT, OPTION(summary), "FILE", "write the summary there, as JSON", 0, 0},
    {"jobs", OPT_TEXT, OPTION(jobs), "FILE",
     "many runs: a JSON object a line, {\"id\", \"captures\", \"out\"}, each answered on standard "
     "output with {\"id\", \"status\", \"messages\", \"summary\"} (-: standard input)", 0, 0},
    {"at-once", OPT_COUNT, OPTION(at_once), "N", "how many of them are under way at once", 1,
     AT_ONCE_MAX},
    {"trackers", OPT_COUNT, OPTION(runs.trackers), "N", "trackers to wait for", 1,
     PLAYING_WORKERS_MAX},
    {"classifiers", OPT_COUNT, OPTION(runs.classifiers), "N", "classifiers to wait for", 1, 10000},
    {"extractors", OPT_COUNT, OPTION(runs.extractors), "N", "extractors to wait for", 1, 10000},
    {"sinks", OPT_COUNT, OPTION(runs.sinks), "N", "sinks to wait for", 1, 10000},
    {"gather", OPT_DURATION, OPTION(runs.gather_ns), "SECONDS", "how long to wait for them",
     SECONDS(1) / 1000, 0},
    {"publish", OPT_DURATION, OPTION(runs.publish_ns), "SECONDS",
     "how long the results may take after the last packet, beside a second for every 10 MiB",
     SECONDS(1) / 1000, 0},
    {"retries", OPT_COUNT, OPTION(runs.retries), "N",
     "how often a capture is played again where something was lost", 0, 1000},
    {"share-from", OPT_SIZE, OPTION(runs.share_from), "BYTES",
     "of captures of so many bytes or more, packets are not sent to workers of this machine: they "
     "read them where this process has read them to (what does not tell its size has 1024G)", 0, 0},
    {"spool", OPT_TEXT, OPTION(runs.spool), "DIR",
     "where standard input is kept, to be played again (TMPDIR, or /tmp)", 0, 0},
    {"quiet", OPT_FLAG, OPTION(runs.quiet), NULL, "no progress", 0, 0},
};

const size_t READER_OPTS_COUNT = sizeof READER_OPTS / sizeof READER_OPTS[0];

struct reader *reader_new(const struct reader_options *options, const char *const *paths,
                          size_t count)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->options = options;
    reader->order = (struct run_order){options->out, paths, count};
    reader->settings = options->runs;
    reader->status = EXIT_PIPELINE;
    return reader;
}

int reader_ready(void *context, struct stage *stage)
{
    struct reader *reader = context;
    const struct reader_options *options = reader->options;
    int error = description_read(&reader->profile, options->profile);
    if (error) {
        log_error("%s: %s", options->profile, error_text(error));
        return ERR_USAGE;
    }
    reader->stage = stage;
    reader->settings.profile = (struct slice){reader->profile.bytes, reader->profile.length};
    if (!options->jobs)
        return 0;
    reader->settings.quiet = true;
    reader->jobs = jobs_open(options->jobs, STDOUT_FILENO, &error);
    if (!error)
        return 0;
    log_error("%s: %s", options->jobs, error_text(error));
    return ERR_USAGE;
}

/* ---- beginnings and ends ------------------------------------------------------------------ */

static void errand_free(struct errand **errand)
{
    if (!*errand)
        return;
    run_free(&(*errand)->run);
    job_free(&(*errand)->job);
    remarks_free(&(*errand)->remarks);
    free(*errand);
    *errand = NULL;
}

/* Begins what a job orders, which is taken over, or (NULL) what the command line does. */
static int begin(struct reader *reader, struct job *job)
{
    struct errand *errand = calloc(1, sizeof *errand);
    if (!errand) {
        job_free(&job);
        return -ENOMEM;
    }
    errand->job = job;
    errand->remarks.kept = job != NULL;
    errand->run = run_new(reader->stage, &reader->settings,
                          job ? job_order(job) : &reader->order, &errand->remarks);
    if (!errand->run) {
        errand_free(&errand);
        return -ENOMEM;
    }
    reader->errands[reader->count++] = errand;
    return 0;
}

/* Takes jobs while there is room; 0 also where none is here. */
static int take_orders(struct reader *reader)
{
    uint64_t room = reader->jobs ? reader->options->at_once : 1;
    int error = 0;
    while (!reader->ordered && reader->count < room && !error) {
        struct job *job = reader->jobs ? jobs_next(reader->jobs, &error) : NULL;
        reader->ordered = !reader->jobs || error == ERR_EOF;
        if (!error)
            error = begin(reader, job);
    }
    if (reader->jobs)
        stage_watch_descriptor(reader->stage,
                               error == ERR_AGAIN ? jobs_descriptor(reader->jobs) : -1);
    return error == ERR_AGAIN || error == ERR_EOF ? 0 : error;
}

static int write_summary(const char *path, struct slice text)
{
    if (!path || !text.length)
        return 0;
    FILE *file = fopen(path, "w");
    if (!file || fwrite(text.bytes, 1, text.length, file) != text.length ||
        fputc('\n', file) == EOF || fflush(file) != 0) {
        log_error("%s: %s", path, strerror(errno));
        if (file)
            fclose(file);
        return ERR_OUTPUT;
    }
    return fclose(file) == 0 ? 0 : ERR_OUTPUT;
}

/* A run is over: whoever ordered it hears of it. */
static int finish(struct reader *reader, uint64_t at)
{
    struct errand *errand = reader->errands[at];
    enum exit_status status = run_status(errand->run);
    int error = 0;
    reader->errands[at] = reader->errands[--reader->count];
    struct slice summary = run_summary(errand->run);
    if (errand->job)
        error = jobs_answer(reader->jobs, &errand->job, status, &errand->remarks, summary);
    else if (write_summary(reader->options->summary, summary) != 0)
        reader->status = EXIT_OUTPUT;
    else
        reader->status = status;
    errand_free(&errand);
    return error;
}

int reader_pull(void *context)
{
    struct reader *reader = context;
    int error = take_orders(reader), rc = ERR_AGAIN;
    for (uint64_t i = reader->count; i-- > 0 && !error;) {
        int stepped = run_step(reader->errands[i]->run);
        if (stepped == ERR_EOF)
            error = finish(reader, i);
        else if (stepped && stepped != ERR_AGAIN)
            error = stepped;
        if (stepped != ERR_AGAIN)
            rc = 0;
    }
    if (error)
        return error;
    if (!reader->ordered || reader->count)
        return rc;
    if (reader->jobs)
        reader->status = EXIT_DONE;
    return ERR_EOF;
}

void reader_closing(void *context)
{
    struct reader *reader = context;
    for (uint64_t i = 0; i < reader->count; i++)
        run_hide(reader->errands[i]->run);
}

enum exit_status reader_status(const struct reader *reader)
{
    return reader->status;
}

void reader_free(struct reader **reader)
{
    if (!*reader)
        return;
    for (uint64_t i = 0; i < (*reader)->count; i++)
        errand_free(&(*reader)->errands[i]);
    jobs_free(&(*reader)->jobs);
    buffer_free(&(*reader)->profile);
    free(*reader);
    *reader = NULL;
}
