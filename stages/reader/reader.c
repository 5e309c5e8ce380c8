#include "stages/reader/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/net/packet.h"
#include "common/wire/pack.h"
#include "stages/reader/capture_clock.h"
#include "stages/reader/description.h"
#include "stages/reader/merge.h"
#include "stages/reader/progress.h"

/* Frames between two looks at the inboxes, and workers that one capture's trackers can be. */
enum { BURST = 1024, TRACKERS_MAX = 1024 };

/* The sink checks a directory and makes one: a wait longer than this is no disk any more. */
#define ACCEPT_NS (INT64_C(60) * 1000000000)

enum state {
    GATHERING,  /* waiting for enough workers */
    ACCEPTING,  /* the sink is looking at OUT */
    READING,    /* playing frames */
    PUBLISHING, /* everything is on its way; the sink has the next word */
    OVER,
};

struct reader {
    const struct reader_options *options;
    const struct limits *limits;
    const char *const *paths;
    size_t count;
    struct merge *merge;
    struct progress *progress;
    struct capture_clock clock;
    struct stage *stage;
    struct session *session;
    struct buffer profile;
    struct buffer sources;
    enum state state;
    int64_t deadline_ns; /* of GATHERING and ACCEPTING */
    uint64_t capture;    /* its id */
    uint32_t sink;       /* peers of this attempt */
    uint32_t trackers[TRACKERS_MAX];
    uint64_t sent[TRACKERS_MAX]; /* frames, by tracker */
    uint32_t tracker_count;
    uint64_t frames;
    enum exit_status status;
};

const struct reader_options READER_OPTIONS_DEFAULT = {
    .request = "{}",
    .trackers = 1,
    .classifiers = 1,
    .extractors = 1,
    .sinks = 1,
    .gather_ns = INT64_C(10) * 1000000000,
};

#define OPTION(field) offsetof(struct reader_options, field)

const struct opt READER_OPTS[] = {
    {"out", OPT_TEXT, OPTION(out), "DIR", "where the results go", 0, 0},
    {"profile", OPT_TEXT, OPTION(profile), "FILE",
     "a profile document, as tapline-classifier --print-profile writes it", 0, 0},
    {"request", OPT_TEXT, OPTION(request), "JSON", "what was asked for, kept in ledger.json", 0, 0},
    {"summary", OPT_TEXT, OPTION(summary), "FILE", "write the summary there, as JSON", 0, 0},
    {"trackers", OPT_COUNT, OPTION(trackers), "N", "trackers to wait for", 1, TRACKERS_MAX},
    {"classifiers", OPT_COUNT, OPTION(classifiers), "N", "classifiers to wait for", 1, 10000},
    {"extractors", OPT_COUNT, OPTION(extractors), "N", "extractors to wait for", 1, 10000},
    {"sinks", OPT_COUNT, OPTION(sinks), "N", "sinks to wait for", 1, 10000},
    {"gather", OPT_DURATION, OPTION(gather_ns), "SECONDS", "how long to wait for them", 1, 0},
    {"quiet", OPT_FLAG, OPTION(quiet), NULL, "no progress", 0, 0},
};

const size_t READER_OPTS_COUNT = sizeof READER_OPTS / sizeof READER_OPTS[0];

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
    reader->merge = merge_open(reader->paths, reader->count, fault, sizeof fault, &error);
    if (!reader->merge && error != ERR_STOPPED)
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

/* ---- the attempt -------------------------------------------------------------------------- */

/* Tells every worker that this attempt is over; who misses it learns when this process is gone. */
static void release_all(struct reader *reader)
{
    struct peers *peers = stage_peers(reader->stage);
    if (!reader->session)
        return;
    for (int role = TAPLINE_TRACKER; role <= TAPLINE_SINK; role++) {
        uint64_t senders[TRACKERS_MAX];
        uint32_t count = peers_senders(peers, (enum tapline_role)role, senders, TRACKERS_MAX);
        for (uint32_t i = 0; i < count; i++) {
            struct buffer message = {0};
            message_open(&message);
            pack_array(&message, 0);
            session_control(reader->session, peers_find(peers, senders[i]), TAPLINE_RELEASE,
                            &message);
            buffer_free(&message);
        }
    }
}

/* The run has come to this. The session stays until the stage closes: this may be one of its
 * own messages. */
static int over(struct reader *reader, enum exit_status status)
{
    reader->status = status;
    reader->state = OVER;
    progress_free(&reader->progress);
    release_all(reader);
    return 0;
}

static int fail(struct reader *reader, enum exit_status status, const char *text)
{
    progress_free(&reader->progress);
    log_error("%s", text);
    return over(reader, status);
}

static bool gathered(const struct reader *reader)
{
    const struct reader_options *o = reader->options;
    const struct peers *peers = stage_peers(reader->stage);
    return peers_count(peers, TAPLINE_TRACKER) >= o->trackers &&
           peers_count(peers, TAPLINE_CLASSIFIER) >= o->classifiers &&
           peers_count(peers, TAPLINE_EXTRACTOR) >= o->extractors &&
           peers_count(peers, TAPLINE_SINK) >= o->sinks;
}

static int gather(struct reader *reader)
{
    if (stage_now() < reader->deadline_ns)
        return ERR_AGAIN;
    const struct peers *peers = stage_peers(reader->stage);
    char text[256];
    snprintf(text, sizeof text,
             "the pipeline is not complete: %u trackers, %u classifiers, %u extractors and %u "
             "sinks joined in time; see what the missing ones said, or wait longer (--gather)",
             peers_count(peers, TAPLINE_TRACKER), peers_count(peers, TAPLINE_CLASSIFIER),
             peers_count(peers, TAPLINE_EXTRACTOR), peers_count(peers, TAPLINE_SINK));
    return fail(reader, EXIT_PIPELINE, text);
}

static struct slice text_slice(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* Chooses the workers that are fixed for the capture's length, and writes its document. */
static int begin(struct reader *reader)
{
    struct peers *peers = stage_peers(reader->stage);
    uint64_t senders[TRACKERS_MAX];
    uint32_t count = peers_senders(peers, TAPLINE_TRACKER, senders, TRACKERS_MAX);
    struct buffer trackers = {0};
    pack_array(&trackers, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_uint(&trackers, senders[i]);
        reader->trackers[i] = peers_find(peers, senders[i]);
    }
    reader->tracker_count = count;

    uint64_t sinks[TRACKERS_MAX];
    uint32_t sink_count = peers_senders(peers, TAPLINE_SINK, sinks, TRACKERS_MAX);
    uint64_t sink = sinks[reader->capture % sink_count];
    reader->sink = peers_find(peers, sink);

    const struct capture capture = {
        .id = reader->capture,
        .attempt = 1,
        .reader = bus_sender(stage_bus(reader->stage)),
        .control = text_slice(stage_control_endpoint(reader->stage)),
        .out = text_slice(reader->options->out),
        .zone = text_slice(description_zone()),
        .profile = {reader->profile.bytes, reader->profile.length},
        .sources = {reader->sources.bytes, reader->sources.length},
        .request = text_slice(reader->options->request),
        .sink = sink,
        .trackers = {trackers.bytes, trackers.length},
        .limits = *reader->limits,
    };
    int error = trackers.failed ? -ENOMEM : 0;
    if (!error)
        reader->session = stage_attempt(reader->stage, &capture, reader, &error);
    buffer_free(&trackers);
    if (reader->session)
        error = session_begin(reader->session, reader->sink);
    reader->state = ACCEPTING;
    reader->deadline_ns = stage_now() + ACCEPT_NS;
    return error;
}

/* ---- playing ------------------------------------------------------------------------------ */

/* Which tracker takes a frame: both directions of a flow, and its fragments, go the same way. */
static uint32_t route(const struct reader *reader, const struct frame *frame)
{
    if (reader->tracker_count == 1)
        return 0;
    struct packet packet;
    packet_decode(&packet, frame->link, frame->bytes, frame->length, frame->wire_length);
    return address_pair_hash(&packet) % reader->tracker_count;
}

static int play(struct reader *reader, const struct frame *frame)
{
    uint32_t tracker = route(reader, frame);
    int error = session_frame(reader->session, reader->trackers[tracker], frame);
    reader->sent[tracker]++;
    reader->frames++;
    if (!capture_clock_frame(&reader->clock, frame->time_ns))
        return error;
    for (uint32_t i = 0; i < reader->tracker_count && !error; i++)
        error = session_clock(reader->session, reader->trackers[i], reader->clock.time_ns);
    return error;
}

static void pack_tally(const struct reader *reader, struct buffer *to)
{
    uint64_t cuts;
    const char *cut = merge_cut(reader->merge, &cuts);
    pack_map(to, 5);
    pack_str(to, "role");
    pack_uint(to, TAPLINE_READER);
    pack_str(to, "frames");
    pack_uint(to, reader->frames);
    pack_str(to, "trackers");
    pack_array(to, reader->tracker_count);
    for (uint32_t i = 0; i < reader->tracker_count; i++)
        pack_uint(to, reader->sent[i]);
    pack_str(to, "cut");
    if (cut)
        pack_text(to, cut, strlen(cut));
    else
        pack_nil(to);
    pack_str(to, "counters");
    pack_map(to, 1);
    pack_str(to, "sources_cut");
    pack_uint(to, cuts);
}

/* Everything was played: closes the books with every tracker and with the sink. */
static int finish(struct reader *reader)
{
    int error = 0;
    for (uint32_t i = 0; i < reader->tracker_count && !error; i++) {
        struct buffer message = {0};
        message_open(&message);
        pack_array(&message, 1);
        pack_uint(&message, reader->sent[i]);
        error = session_send(reader->session, reader->trackers[i], TAPLINE_END, &message);
        buffer_free(&message);
    }
    struct buffer map = {0};
    pack_tally(reader, &map);
    if (!error)
        error = outlet_tally(session_outlet(reader->session), &map);
    buffer_free(&map);
    progress_free(&reader->progress);
    reader->state = PUBLISHING;
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
            error = play(reader, &frame);
    }
    uint64_t done, size;
    merge_position(reader->merge, &done, &size);
    progress_show(reader->progress, reader->frames, done, size, (uint64_t)stage_now());
    return error;
}

static int check_peers(struct reader *reader)
{
    const char *name;
    char text[128];
    if (!peers_lost(stage_peers(reader->stage), &name))
        return 0;
    snprintf(text, sizeof text, "%s was lost; nothing was published", name);
    return fail(reader, EXIT_PIPELINE, text);
}

static int step(struct reader *reader)
{
    switch (reader->state) {
    case GATHERING: return gathered(reader) ? begin(reader) : gather(reader);
    case ACCEPTING:
        if (stage_now() >= reader->deadline_ns)
            return fail(reader, EXIT_PIPELINE, "the sink did not answer in time");
        return ERR_AGAIN;
    case READING: return read_on(reader);
    case PUBLISHING: return ERR_AGAIN;
    case OVER: return ERR_EOF;
    }
    return ERR_EOF;
}

int reader_pull(void *context)
{
    struct reader *reader = context;
    if (reader->state != OVER)
        check_peers(reader);
    int rc = step(reader);
    if (rc && rc != ERR_AGAIN && rc != ERR_EOF && rc != ERR_STOPPED) {
        fail(reader, error_exit(rc), error_text(rc));
        rc = 0;
    }
    return rc;
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

static int answer_ask(struct reader *reader)
{
    struct buffer message = {0};
    message_open(&message);
    pack_array(&message, 1);
    pack_bool(&message, reader->state == PUBLISHING);
    bool sent = session_control(reader->session, reader->sink, TAPLINE_WORD, &message);
    buffer_free(&message);
    return sent ? 0 : ERR_LOST;
}

static int published(struct reader *reader, struct unpack *body)
{
    struct slice summary = unpack_str(body);
    if (body->error)
        return body->error;
    uint64_t cuts;
    const char *cut = merge_cut(reader->merge, &cuts);
    if (cut)
        log_warning("the capture broke off: %s; everything before that counts", cut);
    int error = write_summary(reader, summary);
    return over(reader, error ? EXIT_OUTPUT : cut ? EXIT_CUT : EXIT_DONE);
}

int reader_message(void *context, const struct message_head *head, struct unpack *body)
{
    struct reader *reader = context;
    if (head->kind == TAPLINE_ASK)
        return answer_ask(reader);
    unpack_array_of(body, 2);
    uint64_t status = unpack_uint(body);
    struct slice said = unpack_str(body);
    if (body->error)
        return body->error;
    if (reader->state == OVER)
        return 0;
    bool published_cut = head->kind == TAPLINE_OUTCOME && status == EXIT_CUT;
    if (status != EXIT_DONE && !published_cut) {
        char text[1024];
        snprintf(text, sizeof text, "%.*s", (int)said.length, (const char *)said.bytes);
        return fail(reader, status <= EXIT_OUTPUT ? (enum exit_status)status : EXIT_PIPELINE, text);
    }
    if (head->kind == TAPLINE_ACCEPT && reader->state == ACCEPTING) {
        reader->state = READING;
        reader->progress =
            progress_new(STDERR_FILENO, reader->options->quiet, (uint64_t)stage_now());
    }
    return head->kind == TAPLINE_OUTCOME ? published(reader, body) : 0;
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
    merge_free(&(*reader)->merge);
    progress_free(&(*reader)->progress);
    buffer_free(&(*reader)->profile);
    buffer_free(&(*reader)->sources);
    free(*reader);
    *reader = NULL;
}
