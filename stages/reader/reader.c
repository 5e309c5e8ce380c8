#include "stages/reader/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/wire/pack.h"
#include "stages/reader/description.h"
#include "stages/reader/merge.h"
#include "stages/reader/playing.h"
#include "stages/reader/progress.h"

/* Frames between two looks at the inboxes. */
enum { BURST = 1024 };

#define SECONDS(n) (INT64_C(1000000000) * (n))

/* The sink checks a directory and makes one: a wait longer than this is no disk any more. */
#define ACCEPT_NS SECONDS(60)

/* A sink acts on the word within WORD_NS of asking for it (stages/sink/sink.h) and never later, so
 * that behind this wait, which is longer, it either has published or will not. */
#define OUTCOME_NS SECONDS(15)

enum state {
    GATHERING,  /* waiting for enough workers */
    ACCEPTING,  /* the sink is looking at OUT */
    READING,    /* playing frames */
    PUBLISHING, /* everything is on its way; the sink has the next word */
    GRANTED,    /* the sink has our word, and publishes */
    OVER,
};

struct reader {
    const struct reader_options *options;
    const struct limits *limits;
    const char *const *paths;
    size_t count;
    struct spools *spools;
    struct merge *merge;
    struct progress *progress;
    struct stage *stage;
    struct playing *playing; /* the attempt under way; NULL while workers are waited for */
    struct buffer profile;
    struct buffer sources;
    enum state state;
    int64_t deadline_ns; /* of every state but READING, whose waits have limits of their own */
    uint64_t capture;    /* its id */
    uint64_t attempt;
    /* What a message said that ends this attempt; acted upon outside of that message's session. */
    enum exit_status refused; /* EXIT_DONE: nothing */
    bool final;               /* another attempt would come to the same */
    char fault[1024];
    enum exit_status status;
};

const struct reader_options READER_OPTIONS_DEFAULT = {
    .request = "{}",
    .trackers = 1,
    .classifiers = 1,
    .extractors = 1,
    .sinks = 1,
    .gather_ns = SECONDS(10),
    .publish_ns = SECONDS(120),
    .retries = 2,
};

#define OPTION(field) offsetof(struct reader_options, field)

const struct opt READER_OPTS[] = {
    {"out", OPT_TEXT, OPTION(out), "DIR", "where the results go", 0, 0},
    {"profile", OPT_TEXT, OPTION(profile), "FILE",
     "a profile document, as tapline-classifier --print-profile writes it", 0, 0},
    {"request", OPT_TEXT, OPTION(request), "JSON", "what was asked for, kept in ledger.json", 0, 0},
    {"summary", OPT_TEXT, OPTION(summary), "FILE", "write the summary there, as JSON", 0, 0},
    {"trackers", OPT_COUNT, OPTION(trackers), "N", "trackers to wait for", 1, PLAYING_WORKERS_MAX},
    {"classifiers", OPT_COUNT, OPTION(classifiers), "N", "classifiers to wait for", 1, 10000},
    {"extractors", OPT_COUNT, OPTION(extractors), "N", "extractors to wait for", 1, 10000},
    {"sinks", OPT_COUNT, OPTION(sinks), "N", "sinks to wait for", 1, 10000},
    {"gather", OPT_DURATION, OPTION(gather_ns), "SECONDS", "how long to wait for them", 1, 0},
    {"publish", OPT_DURATION, OPTION(publish_ns), "SECONDS",
     "how long the results may take after the last packet, beside a second for every 10 MiB", 1, 0},
    {"retries", OPT_COUNT, OPTION(retries), "N",
     "how often a capture is played again where something was lost", 0, 1000},
    {"spool", OPT_TEXT, OPTION(spool), "DIR",
     "where standard input is kept, to be played again (TMPDIR, or /tmp)", 0, 0},
    {"quiet", OPT_FLAG, OPTION(quiet), NULL, "no progress", 0, 0},
};

const size_t READER_OPTS_COUNT = sizeof READER_OPTS / sizeof READER_OPTS[0];

static int open_captures(struct reader *reader, char *fault, size_t fault_size)
{
    int error;
    merge_free(&reader->merge);
    reader->merge =
        merge_open(reader->paths, reader->count, reader->spools, fault, fault_size, &error);
    return reader->merge ? 0 : error;
}

static int open_all(struct reader *reader)
{
    char fault[512];
    int error = description_read(&reader->profile, reader->options->profile);
    if (error) {
        log_error("%s: %s", reader->options->profile, error_text(error));
        return ERR_USAGE;
    }
    error = description_sources(&reader->sources, reader->paths, reader->count);
    if (error)
        return error;
    if (reader->options->retries) {
        reader->spools = spools_new(reader->options->spool);
        if (!reader->spools)
            return -ENOMEM;
    }
    error = open_captures(reader, fault, sizeof fault);
    if (error && error != ERR_STOPPED)
        log_error("%s", fault);
    return error;
}

struct reader *reader_new(const struct reader_options *options, const struct limits *limits,
                          const char *const *paths, size_t count)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->options = options;
    reader->limits = limits;
    reader->paths = paths;
    reader->count = count;
    reader->status = EXIT_PIPELINE;
    return reader;
}

int reader_ready(void *context, struct stage *stage)
{
    struct reader *reader = context;
    reader->stage = stage;
    int error = open_all(reader);
    if (!error && getrandom(&reader->capture, sizeof reader->capture, 0) < 0)
        error = -errno;
    reader->capture |= 1; /* 0 means: of no capture */
    reader->deadline_ns = stage_now() + reader->options->gather_ns;
    return error;
}

/* ---- how attempts end --------------------------------------------------------------------- */

static void set_state(struct reader *reader, enum state state, int64_t limit_ns)
{
    reader->state = state;
    reader->deadline_ns = stage_now() + limit_ns;
}

/* The run has come to this. */
static int over(struct reader *reader, enum exit_status status)
{
    reader->status = status;
    reader->state = OVER;
    progress_free(&reader->progress);
    playing_end(&reader->playing);
    return 0;
}

static int fail(struct reader *reader, enum exit_status status, const char *text)
{
    progress_free(&reader->progress);
    log_error("%s", text);
    return over(reader, status);
}

/* Why this attempt is the last: NULL: it is not. */
static const char *no_more(const struct reader *reader)
{
    static char text[300];
    const char *unkept = reader->spools ? spools_fault(reader->spools) : NULL;
    if (reader->attempt <= reader->options->retries && !unkept)
        return NULL;
    if (unkept)
        snprintf(text, sizeof text, "the capture cannot be played again, as it %s", unkept);
    else
        snprintf(text, sizeof text, "given up after %" PRIu64 " attempt%s", reader->attempt,
                 reader->attempt == 1 ? "" : "s");
    return text;
}

/* This attempt came to nothing: everybody forgets it, and the capture is played again. */
static int throw_away(struct reader *reader, enum exit_status status, const char *cause)
{
    char text[1500], fault[512];
    const char *last = no_more(reader);
    bool unsure = reader->state == GRANTED;
    if (last) {
        snprintf(text, sizeof text, "%s; %s%s", cause, last,
                 unsure ? "; the results may be in place all the same" : "; nothing was published");
        return fail(reader, status, text);
    }
    progress_free(&reader->progress);
    log_warning("attempt %" PRIu64 " came to nothing: %s; the capture is played again",
                reader->attempt, cause);
    playing_end(&reader->playing);
    reader->refused = EXIT_DONE;
    int error = open_captures(reader, fault, sizeof fault);
    if (error == ERR_STOPPED)
        return error;
    if (error)
        return fail(reader, error_exit(error), fault);
    set_state(reader, GATHERING, reader->options->gather_ns);
    return 0;
}

static struct slice text_slice(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* ---- gathering ---------------------------------------------------------------------------- */

static bool gathered(const struct reader *reader)
{
    const struct reader_options *o = reader->options;
    const struct peers *peers = stage_peers(reader->stage);
    return peers_count(peers, TAPLINE_TRACKER) >= o->trackers &&
           peers_count(peers, TAPLINE_CLASSIFIER) >= o->classifiers &&
           peers_count(peers, TAPLINE_EXTRACTOR) >= o->extractors &&
           peers_count(peers, TAPLINE_SINK) >= o->sinks;
}

static int begin(struct reader *reader)
{
    int error;
    struct capture capture = {
        .id = reader->capture,
        .attempt = ++reader->attempt,
        .reader = bus_sender(stage_bus(reader->stage)),
        .control = text_slice(stage_control_endpoint(reader->stage)),
        .key = text_slice(bus_key(stage_bus(reader->stage))),
        .out = text_slice(reader->options->out),
        .zone = text_slice(description_zone()),
        .profile = {reader->profile.bytes, reader->profile.length},
        .sources = {reader->sources.bytes, reader->sources.length},
        .request = text_slice(reader->options->request),
        .limits = *reader->limits,
    };
    reader->playing = playing_begin(reader->stage, &capture, reader, &error);
    set_state(reader, ACCEPTING, ACCEPT_NS);
    return error;
}

/* One of each is enough for another attempt, where some did not come again in time. */
static bool enough(const struct reader *reader)
{
    const struct peers *peers = stage_peers(reader->stage);
    for (int role = TAPLINE_TRACKER; role <= TAPLINE_SINK; role++)
        if (!peers_count(peers, (enum tapline_role)role))
            return false;
    return reader->attempt > 0;
}

static int gather(struct reader *reader)
{
    const struct peers *peers = stage_peers(reader->stage);
    char text[256];
    if (gathered(reader))
        return begin(reader);
    if (stage_now() < reader->deadline_ns)
        return ERR_AGAIN;
    if (enough(reader))
        return begin(reader);
    snprintf(text, sizeof text,
             "the pipeline is not complete: %u trackers, %u classifiers, %u extractors and %u "
             "sinks are there; see what the missing ones said, or wait longer (--gather)",
             peers_count(peers, TAPLINE_TRACKER), peers_count(peers, TAPLINE_CLASSIFIER),
             peers_count(peers, TAPLINE_EXTRACTOR), peers_count(peers, TAPLINE_SINK));
    return fail(reader, EXIT_PIPELINE, text);
}

/* ---- playing ------------------------------------------------------------------------------ */

static int finish(struct reader *reader)
{
    uint64_t cuts;
    const char *cut = merge_cut(reader->merge, &cuts);
    int error = playing_finish(reader->playing, cut, cuts);
    progress_free(&reader->progress);
    set_state(reader, PUBLISHING,
              reader->options->publish_ns +
                  SECONDS((int64_t)(playing_bytes(reader->playing) / (10 << 20))));
    return error;
}

static int read_on(struct reader *reader)
{
    int error = 0;
    for (int i = 0; i < BURST && !error; i++) {
        struct frame frame;
        error = merge_next(reader->merge, &frame);
        if (error == ERR_EOF || error == ERR_TRUNCATED)
            return finish(reader);
        if (!error)
            error = playing_frame(reader->playing, &frame);
    }
    uint64_t done, size;
    merge_position(reader->merge, &done, &size);
    progress_show(reader->progress, playing_frames(reader->playing), done, size, (uint64_t)stage_now());
    return error;
}

/* What ends this attempt: something that was said, something lost, or a wait at its limit. */
static const char *broken(struct reader *reader, enum exit_status *status)
{
    *status = reader->refused ? reader->refused : EXIT_PIPELINE;
    if (reader->state == OVER)
        return NULL;
    if (reader->refused)
        return reader->fault;
    const char *fault = reader->playing ? playing_fault(reader->playing) : "";
    bool late = stage_now() >= reader->deadline_ns;
    switch (reader->state) {
    case ACCEPTING: return *fault ? fault : late ? "the sink did not say whether it accepts" : NULL;
    case READING: return *fault ? fault : NULL;
    case PUBLISHING: return *fault ? fault : late ? "the sink did not finish in time" : NULL;
    case GRANTED: return !late ? NULL : *fault ? fault : "the sink did not say what became of it";
    case GATHERING:
    case OVER: return NULL;
    }
    return NULL;
}

static int step(struct reader *reader)
{
    switch (reader->state) {
    case GATHERING: return gather(reader);
    case READING: return read_on(reader);
    case ACCEPTING:
    case PUBLISHING:
    case GRANTED: return ERR_AGAIN;
    case OVER: break;
    }
    playing_end(&reader->playing);
    return ERR_EOF;
}

int reader_pull(void *context)
{
    struct reader *reader = context;
    enum exit_status status;
    const char *cause = broken(reader, &status);
    if (cause && reader->final)
        return fail(reader, status, cause);
    if (cause)
        return throw_away(reader, status, cause);
    int rc = step(reader);
    if (!rc || rc == ERR_AGAIN || rc == ERR_EOF || rc == ERR_STOPPED)
        return rc;
    if (rc != ERR_LOST)
        return fail(reader, error_exit(rc), error_text(rc));
    const char *fault = reader->playing ? playing_fault(reader->playing) : "";
    return throw_away(reader, EXIT_PIPELINE, *fault ? fault : error_text(rc));
}

/* ---- what the others say ------------------------------------------------------------------ */

static int write_summary(const struct reader *reader, struct slice text)
{
    if (!reader->options->summary)
        return 0;
    FILE *file = fopen(reader->options->summary, "w");
    if (!file || fwrite(text.bytes, 1, text.length, file) != text.length ||
        fputc('\n', file) == EOF || fflush(file) != 0) {
        log_error("%s: %s", reader->options->summary, strerror(errno));
        if (file)
            fclose(file);
        return ERR_OUTPUT;
    }
    return fclose(file) == 0 ? 0 : ERR_OUTPUT;
}

static void answer_ask(struct reader *reader)
{
    bool yes = reader->state == PUBLISHING || reader->state == GRANTED;
    if (playing_word(reader->playing, yes) && yes)
        set_state(reader, GRANTED, OUTCOME_NS);
}

static void published(struct reader *reader, struct slice summary)
{
    uint64_t cuts;
    const char *cut = merge_cut(reader->merge, &cuts);
    if (cut)
        log_warning("the capture broke off: %s; everything before that counts", cut);
    int error = write_summary(reader, summary);
    reader->status = error ? EXIT_OUTPUT : cut ? EXIT_CUT : EXIT_DONE;
    reader->state = OVER;
}

/* Keeps what was said for the next step. What the sink says before it begins (`final`: of OUT, of
 * listeners that did not come), and wrong use, would be said again. */
static void refuse(struct reader *reader, enum exit_status status, bool final, struct slice text)
{
    if (reader->refused)
        return;
    reader->refused = status == EXIT_WRONG_USE || status == EXIT_OUTPUT ? status : EXIT_PIPELINE;
    reader->final = status == EXIT_WRONG_USE || final;
    snprintf(reader->fault, sizeof reader->fault, "%.*s", (int)text.length,
             (const char *)text.bytes);
}

static void accepted(struct reader *reader)
{
    if (reader->state != ACCEPTING)
        return;
    reader->state = READING;
    reader->progress = progress_new(STDERR_FILENO, reader->options->quiet, (uint64_t)stage_now());
}

int reader_message(void *context, const struct message_head *head, struct unpack *body)
{
    struct reader *reader = context;
    if (reader->state == OVER || !reader->playing)
        return 0;
    if (head->kind == TAPLINE_ASK) {
        answer_ask(reader);
        return 0;
    }
    unpack_array_of(body, head->kind == TAPLINE_OUTCOME ? 3 : 2);
    uint64_t status = unpack_uint(body);
    struct slice text = unpack_str(body);
    struct slice summary = head->kind == TAPLINE_OUTCOME ? unpack_str(body) : (struct slice){0};
    if (body->error)
        refuse(reader, EXIT_PIPELINE, false, text_slice("a worker's answer cannot be read"));
    else if (head->kind == TAPLINE_OUTCOME && (status == EXIT_DONE || status == EXIT_CUT))
        published(reader, summary);
    else if (head->kind == TAPLINE_ACCEPT && status == EXIT_DONE)
        accepted(reader);
    else
        refuse(reader, (enum exit_status)status, head->kind == TAPLINE_ACCEPT, text);
    return 0;
}

void reader_end(void **context)
{
    struct reader *reader = *context;
    if (reader->playing)
        playing_released(reader->playing);
    *context = NULL;
}

void reader_closing(void *context)
{
    struct reader *reader = context;
    progress_free(&reader->progress);
}

enum exit_status reader_status(const struct reader *reader)
{
    return reader->status;
}

void reader_free(struct reader **reader)
{
    if (!*reader)
        return;
    playing_end(&(*reader)->playing);
    merge_free(&(*reader)->merge);
    spools_free(&(*reader)->spools);
    progress_free(&(*reader)->progress);
    buffer_free(&(*reader)->profile);
    buffer_free(&(*reader)->sources);
    free(*reader);
    *reader = NULL;
}
