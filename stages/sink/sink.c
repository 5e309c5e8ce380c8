#include "stages/sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/wire/pack.h"
#include "stages/sink/broadcast.h"
#include "stages/sink/horizon.h"
#include "stages/sink/layout.h"
#include "stages/sink/publication.h"
#include "stages/sink/results.h"
#include "stages/sink/scribe.h"
#include "stages/sink/value.h"

enum { MOST_TRACKERS = 65536 };

const struct sink_options SINK_OPTIONS_DEFAULT = {.root = NULL,
                                                  .sort_memory = 320 * 1024 * 1024,
                                                  .print_from = 8 * 1024 * 1024,
                                                  .tap_wait_ns = INT64_C(30) * 1000000000};

const struct opt SINK_OPTS[] = {
    {"root", OPT_TEXT, offsetof(struct sink_options, root), "DIRECTORY",
     "write results below this directory only", 0, 0},
    {"sort-memory", OPT_SIZE, offsetof(struct sink_options, sort_memory), "BYTES",
     "memory for sorting one capture's records; beyond it they are sorted on disk", 1024 * 1024, 0},
    {"print-from", OPT_SIZE, offsetof(struct sink_options, print_from), "BYTES",
     "records that nothing can come before any more are written as soon as so much is held", 0, 0},
    {"tap-wait-limit", OPT_DURATION, offsetof(struct sink_options, tap_wait_ns), "SECONDS",
     "how long to wait for the listeners of --tap-wait before the capture fails", 0,
     INT64_C(50) * 1000000000},
};
const size_t SINK_OPTS_COUNT = sizeof SINK_OPTS / sizeof SINK_OPTS[0];

enum progress {
    WAITING,   /* for listeners: nothing comes yet */
    GATHERING, /* events and tallies come in */
    SYNCING,   /* the results are written beside OUT, and on their way to the disk */
    ASKED,     /* they are there; the reader's word is awaited */
    PLACED,    /* they are in OUT's place, which is on its way to the disk */
    OVER,      /* published, failed or given up */
};

struct sink {
    const struct outlet *outlet;
    const struct tap *tap; /* NULL: nobody can listen */
    struct broadcast *broadcast;
    int64_t tap_wait_ns;
    int64_t deadline_ns; /* of WAITING; 0: not set yet */
    int64_t now_ns;      /* when it was last told the time */
    int64_t asked_ns;    /* not later than the last ASK */
    enum progress progress;
    const struct capture *capture;
    struct buffer summary; /* its map, once the results are written */
    struct publication *publication;
    struct syncing *syncing;
    int cert_directory;
    struct stamp *stamp;
    struct ledger *ledger;
    struct summary *counts;
    struct certs *certs;
    struct records *records;
    struct horizon *horizon; /* of the records that are still to come */
    struct record_files *files;
    struct scribe *scribe; /* who writes into them */
};

/* Tells the reader [status, text, `last`], whose memory is taken. */
static int tell(const struct outlet *outlet, enum tapline_kind kind, enum exit_status status,
                const char *text, struct buffer *last)
{
    struct buffer body = {0};
    pack_array(&body, 3);
    pack_uint(&body, status);
    pack_text(&body, text, strlen(text));
    buffer_append(&body, last->bytes, last->length);
    int error = body.failed || last->failed ? -ENOMEM : outlet_tell(outlet, kind, &body);
    buffer_free(&body);
    buffer_free(last);
    return error;
}

/* Whether the capture may begin, and whether this sink's listeners want to hear of flows early. */
static int tell_accept(const struct outlet *outlet, const struct tap *tap, enum exit_status status,
                       const char *text)
{
    struct buffer opens = {0};
    pack_bool(&opens, tap && tap->opens);
    return tell(outlet, TAPLINE_ACCEPT, status, text, &opens);
}

/* What came of it. The summary travels as JSON: the command that asked prints it as it is. */
static int tell_outcome(const struct outlet *outlet, enum exit_status status, const char *text,
                        struct slice summary)
{
    struct buffer packed = {0};
    pack_text(&packed, summary.bytes, summary.length);
    return tell(outlet, TAPLINE_OUTCOME, status, text, &packed);
}

/* The attempt came to nothing. Here as elsewhere the reader, which does not wait for ever, is told
 * before listeners, who may be waited for. */
static int give_up(struct sink *s, const struct fault *fault)
{
    s->progress = OVER;
    scribe_free(&s->scribe);
    record_files_free(&s->files); /* or what was written would take its room for longer */
    publication_free(&s->publication);
    static const uint8_t nothing[] = "{}";
    int error = tell_outcome(s->outlet, error_exit(fault->error), fault->text,
                             (struct slice){nothing, sizeof nothing - 1});
    broadcast_ended(s->broadcast, false, error_exit(fault->error), fault->text);
    return error;
}

/* An error of the system's is the disk's, and the reader gets to know what to do about it; others
 * are the sender's, and the caller's to report. */
static int settle(struct sink *s, int error)
{
    struct fault fault;
    if (error == ERR_LOST)
        fault_set(&fault, error, "a record came of a flow that announced none");
    else if (error == ERR_LATE)
        fault_set(&fault, error,
                  "times of the capture run backwards by more than %d s, so that a record came "
                  "too late for its place among those that were written already",
                  TAPLINE_ORDER_SLACK);
    else if (error_is_system(error) && error != -ENOMEM)
        fault_set(&fault, ERR_OUTPUT,
                  "cannot write the results beside %s: %s; make room there or name another "
                  "directory (what was in %s is untouched)",
                  publication_shown(s->publication), strerror(-error),
                  publication_shown(s->publication));
    else
        return error;
    return give_up(s, &fault);
}

/* The request goes into the ledger as it is, so it has to be what it says: one JSON object. */
static bool is_object(struct slice text)
{
    struct json_tokener *tokener = text.length <= INT32_MAX ? json_tokener_new() : NULL;
    if (!tokener)
        return false;
    struct json_object *object =
        json_tokener_parse_ex(tokener, (const char *)text.bytes, (int)text.length);
    bool whole = json_tokener_get_error(tokener) == json_tokener_success &&
                 json_tokener_get_parse_end(tokener) == text.length &&
                 json_object_is_type(object, json_type_object);
    json_object_put(object);
    json_tokener_free(tokener);
    return whole;
}

static int open_directories(struct sink *s)
{
    int directory = publication_directory(s->publication);
    if (mkdirat(directory, CERT_DIRECTORY, 0777) != 0 ||
        mkdirat(directory, SAVE_DIRECTORY, 0777) != 0)
        return -errno;
    s->cert_directory = openat(directory, CERT_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return s->cert_directory < 0 ? -errno : 0;
}

static int make_tools(struct sink *s, uint32_t trackers, const struct sink_options *options)
{
    if (s->tap && !(s->broadcast = broadcast_new(s->tap, s->capture)))
        return -ENOMEM;
    s->ledger = ledger_new(trackers);
    s->counts = summary_new();
    s->certs = certs_new(s->cert_directory);
    s->horizon = horizon_new(trackers);
    s->files = record_files_new(publication_directory(s->publication));
    if (!s->ledger || !s->counts || !s->certs || !s->horizon || !s->files)
        return -ENOMEM;
    s->scribe = scribe_new(s->files, s->capture->zone);
    if (!s->scribe)
        return -ENOMEM;
    struct records_tools tools = {.summary = s->counts,
                                  .certs = s->certs,
                                  .broadcast = s->broadcast,
                                  .directory = publication_directory(s->publication),
                                  .memory = options->sort_memory,
                                  .part = options->print_from};
    s->records = records_new(&tools);
    return s->records ? 0 : -ENOMEM;
}

static int prepare(struct sink *s, const struct sink_shared *shared,
                   const struct sink_options *options, struct fault *fault)
{
    const struct capture *capture = s->capture;
    struct unpack from = unpack_over(capture->trackers.bytes, capture->trackers.length);
    uint32_t trackers = unpack_array(&from);
    if (from.error || !trackers || trackers > MOST_TRACKERS)
        return fault_set(fault, ERR_MALFORMED, "the capture names no trackers, or too many");
    if (!is_object(capture->request))
        return fault_set(fault, ERR_MALFORMED, "the capture's request is no JSON object");
    s->stamp = stamp_new(capture->zone.bytes, capture->zone.length);
    if (!s->stamp)
        return fault_set(fault, ERR_USAGE, "TZ is no name of a time zone");
    s->publication = publication_new(options->root, capture->out, shared->leftovers, fault);
    if (!s->publication)
        return fault->error;
    int error = 0;
    s->syncing = syncing_new(shared->syncer, publication_directory(s->publication),
                             publication_parent(s->publication), &error);
    if (!error)
        error = open_directories(s);
    if (!error)
        error = make_tools(s, trackers, options);
    if (error)
        fault_set(fault, error == -ENOMEM ? error : ERR_OUTPUT, "cannot write beside %s: %s",
                  publication_shown(s->publication), error_text(error));
    return fault->error;
}

static int accept_capture(struct sink *s)
{
    s->progress = GATHERING;
    int error = tell_accept(s->outlet, s->tap, EXIT_DONE, "");
    broadcast_begun(s->broadcast);
    return error;
}

static int look_for_listeners(struct sink *s)
{
    uint32_t missing = s->tap->missing(s->tap->context);
    if (!missing)
        return accept_capture(s);
    if (!s->deadline_ns)
        s->deadline_ns = s->now_ns + s->tap_wait_ns;
    if (s->now_ns < s->deadline_ns)
        return 0;
    char text[160];
    snprintf(text, sizeof text,
             "%u of the listeners that reading waits for did not come in time; start them, or "
             "wait longer (--tap-wait-limit)", missing);
    s->progress = OVER;
    publication_free(&s->publication);
    return tell_accept(s->outlet, s->tap, EXIT_PIPELINE, text);
}

struct sink *sink_new(const struct capture *capture, const struct outlet *outlet,
                      const struct sink_shared *shared, const struct sink_options *options,
                      int *error)
{
    struct fault fault = {0};
    struct sink *s = calloc(1, sizeof *s);
    if (!s) {
        *error = -ENOMEM;
        return NULL;
    }
    s->outlet = outlet;
    s->tap = shared->tap;
    s->tap_wait_ns = options->tap_wait_ns;
    s->capture = capture;
    s->cert_directory = -1;
    s->progress = OVER;
    *error = 0;
    if (prepare(s, shared, options, &fault))
        *error = tell_accept(outlet, s->tap, error_exit(fault.error), fault.text);
    else if (s->tap && capture->attempt == 1 && s->tap->missing(s->tap->context))
        s->progress = WAITING;
    else
        *error = accept_capture(s);
    if (fault.error || *error)
        sink_free(&s);
    return s;
}

static void broadcast_published(const struct sink *s)
{
    const char *cut = ledger_cut(s->ledger);
    broadcast_ended(s->broadcast, true, cut ? EXIT_CUT : EXIT_DONE, cut ? cut : "");
}

void sink_free(struct sink **sink)
{
    struct sink *s = *sink;
    if (!s)
        return;
    if (s->progress > WAITING && s->progress < PLACED)
        broadcast_ended(s->broadcast, false, EXIT_PIPELINE, "the attempt was given up");
    if (s->progress == PLACED)
        broadcast_published(s);
    broadcast_free(&s->broadcast);
    records_free(&s->records);
    scribe_free(&s->scribe);
    record_files_free(&s->files);
    horizon_free(&s->horizon);
    certs_free(&s->certs);
    summary_free(&s->counts);
    ledger_free(&s->ledger);
    stamp_free(&s->stamp);
    syncing_free(&s->syncing);
    if (s->cert_directory >= 0)
        close(s->cert_directory);
    publication_free(&s->publication);
    buffer_free(&s->summary);
    free(s);
    *sink = NULL;
}

static int ask(struct sink *s)
{
    struct buffer body = {0};
    pack_array(&body, 0);
    int error = body.failed ? -ENOMEM : outlet_tell(s->outlet, TAPLINE_ASK, &body);
    buffer_free(&body);
    s->progress = ASKED;
    s->asked_ns = s->now_ns;
    return error;
}

static int published(struct sink *s)
{
    s->progress = OVER;
    publication_finish(s->publication);
    const char *cut = ledger_cut(s->ledger);
    struct buffer text = {0};
    struct jsonw w = jsonw_to(&text);
    struct unpack map = unpack_over(s->summary.bytes, s->summary.length);
    int error = value_write(&w, &map, s->stamp);
    if (!error)
        error = tell_outcome(s->outlet, cut ? EXIT_CUT : EXIT_DONE, cut ? cut : "",
                             (struct slice){text.bytes, text.length});
    buffer_free(&text);
    broadcast_published(s);
    return error;
}

/* Goes on when what is on its way to the disk has arrived. */
static int look_at_disk(struct sink *s)
{
    struct fault fault;
    int error = syncing_outcome(s->syncing);
    if (error == ERR_AGAIN)
        return 0;
    if (s->progress == SYNCING)
        return error ? settle(s, error) : ask(s);
    if (!error)
        return published(s);
    fault_set(&fault, ERR_OUTPUT,
              "the results are in %s, but may not outlive a loss of power: %s",
              publication_shown(s->publication), strerror(-error));
    return give_up(s, &fault);
}

/* Hears whether the scribe could write what it took, and gives it what else nothing can come before
 * any more. It takes a part at a time, so that memory is bounded; the one before is on its way to
 * the disk meanwhile. */
static int write_part(struct sink *s)
{
    struct horizon_times until = horizon_times(s->horizon);
    int error = scribe_outcome(s->scribe);
    if (error || !s->capture->early || !records_part_due(s->records, until))
        return error && error != ERR_AGAIN ? settle(s, error) : 0;
    syncing_ahead(s->syncing);
    error = syncing_outcome(s->syncing);
    if (error && error != ERR_AGAIN)
        return settle(s, error);
    records_begin_part(s->records, until);
    error = scribe_take(s->scribe, s->records);
    return error ? settle(s, error) : 0;
}

int sink_turn(struct sink *s, int64_t now_ns)
{
    s->now_ns = now_ns;
    switch (s->progress) {
    case WAITING: return look_for_listeners(s);
    case GATHERING: return write_part(s);
    case SYNCING:
    case PLACED: return look_at_disk(s);
    case ASKED:
    case OVER: break;
    }
    return 0;
}

/* Everything is here: writes the results; when they are on the disk, the reader is asked whether
 * they are still wanted. */
static int complete(struct sink *s)
{
    const struct results results = {
        .directory = publication_directory(s->publication),
        .capture = s->capture,
        .stamp = s->stamp,
        .files = s->files,
        .scribe = s->scribe,
        .records = s->records,
        .certs = s->certs,
        .ledger = s->ledger,
        .summary = s->counts,
    };
    if (scribe_lines(s->scribe))
        syncing_ahead(s->syncing);
    int error = results_write(&results, &s->summary);
    scribe_free(&s->scribe);
    records_free(&s->records);
    record_files_free(&s->files);
    if (error)
        return settle(s, error);
    publication_seal(s->publication);
    s->progress = SYNCING;
    syncing_results(s->syncing);
    return look_at_disk(s);
}

/* After something was entered into the ledger, or seen by the horizon. */
static int proceed(struct sink *s)
{
    struct fault fault;
    if (horizon_fault(s->horizon))
        return give_up(s, horizon_fault(s->horizon));
    switch (ledger_state(s->ledger, &fault)) {
    case LEDGER_BROKEN: return give_up(s, &fault);
    case LEDGER_AGREES: return s->progress == GATHERING ? complete(s) : 0;
    case LEDGER_OPEN: return s->progress == GATHERING ? write_part(s) : 0;
    }
    return 0;
}

/* What comes when everything was there makes no record any more, but breaks the ledger. */
static int take_close(struct sink *s, const struct event *event)
{
    int error = ledger_close(s->ledger, event->flow, &event->close);
    if (!error && s->progress == GATHERING)
        error = records_close(s->records, event->flow, &event->close);
    if (!error && s->progress == GATHERING)
        error = horizon_close(s->horizon, event->flow, event->close.period);
    return error == ERR_LOST ? 0 : error;
}

static int take_record(struct sink *s, const struct event *event)
{
    ledger_record(s->ledger);
    return s->progress == GATHERING ? records_add(s->records, event->flow, &event->record) : 0;
}

int sink_event(struct sink *s, uint32_t from, const struct event *event)
{
    (void)from;
    if (event->kind == TAPLINE_OPEN && s->progress == GATHERING)
        broadcast_open(s->broadcast, &event->open);
    if (s->progress >= PLACED || (event->kind != TAPLINE_CLOSE && event->kind != TAPLINE_RECORD))
        return 0;
    int error = event->kind == TAPLINE_CLOSE ? take_close(s, event) : take_record(s, event);
    return error ? settle(s, error) : proceed(s);
}

static int publish(struct sink *s)
{
    struct fault fault = {0};
    if (publication_place(s->publication, &fault) != 0)
        return give_up(s, &fault);
    s->progress = PLACED;
    syncing_place(s->syncing);
    return look_at_disk(s);
}

/* Whoever has another attempt under way gives no word for this one. */
static int take_word(struct sink *s, struct unpack *body)
{
    unpack_array_of(body, 1);
    bool word = unpack_bool(body);
    if (body->error)
        return body->error;
    if (s->progress != ASKED)
        return 0;
    if (word && s->now_ns - s->asked_ns > SINK_WORD_NS)
        return ask(s);
    if (word)
        return publish(s);
    s->progress = OVER;
    publication_free(&s->publication);
    broadcast_ended(s->broadcast, false, EXIT_PIPELINE, "its reader took another attempt");
    return 0;
}

static int take_tally(struct sink *s, struct unpack *body)
{
    int error = ledger_tally(s->ledger, body);
    return error && error != ERR_LOST ? error : proceed(s);
}

int sink_mark(struct sink *s, const struct mark *mark)
{
    if (s->progress != GATHERING)
        return 0;
    int error = horizon_mark(s->horizon, mark);
    return error && error != ERR_LOST ? error : proceed(s);
}

int sink_message(struct sink *s, enum tapline_kind kind, struct unpack *body, int64_t now_ns)
{
    s->now_ns = now_ns;
    if (s->progress >= PLACED)
        return 0;
    switch (kind) {
    case TAPLINE_TALLY: return take_tally(s, body);
    case TAPLINE_WORD: return take_word(s, body);
    default: return 0;
    }
}
