#include "common/bus/stage.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/endpoint.h"
#include "common/bus/inbox.h"
#include "common/bus/pulse.h"
#include "common/wire/pack.h"

/* How much is done between two looks around, and how long quiet lasts before batches leave. */
enum { BURST = 32, QUIET_MS = 2, FLUSH_MS = 20, HEARTBEAT_MS = 1000, DEFERRED = 256 };
enum { RELEASED = 64, ENDPOINT_MAX = 256 };

/* What the C library keeps instead of giving it back to the system, and below what size a block is
 * its own to keep. */
enum { KEPT_MEMORY = 64 << 20, KEPT_BLOCK = 16 << 20 };

#define MS(n) ((int64_t)(n) * 1000000)

struct stage {
    const struct stage_hooks *hooks;
    const struct stage_options *options;
    void *shared;
    struct bus *bus;
    struct inbox *data; /* NULL for the lobby */
    struct inbox *control;
    void *watched; /* a socket of the program's own; NULL: none */
    struct pulse *pulse;
    struct peers *peers;
    struct session_host host;
    struct session **sessions;
    uint32_t session_count;
    struct {
        uint64_t capture, attempt;
    } released[RELEASED]; /* a ring: late messages of these are passed over */
    uint32_t released_next;
    struct message *deferred[DEFERRED]; /* control messages that came while a send waited */
    uint32_t deferred_count;
    char name[PRESENCE_NAME];
    int64_t flushed_ns;
    int outcome; /* not 0: the loop ends with it */
};

const struct stage_options STAGE_OPTIONS_DEFAULT = {
    .batch = 256 * 1024,
    .queue = 8 * 1024 * 1024,
};

#define OPTION(field) offsetof(struct stage_options, field)

const struct opt STAGE_OPTS[] = {
    {"join", OPT_TEXT, OPTION(join), "ENDPOINT", "the lobby of the pipeline to join", 0, 0},
    {"inbox", OPT_TEXT, OPTION(inbox), "ENDPOINT",
     "where this worker's inboxes are bound (ipc:// prefix, or tcp://ADDRESS:*)", 0, 0},
    {"name", OPT_TEXT, OPTION(name), "NAME",
     "what this worker is called; of two with one name the later one counts", 0, 0},
    {"batch", OPT_SIZE, OPTION(batch), "BYTES", "size at which a batch leaves", 1024, 1u << 26},
    {"queue", OPT_SIZE, OPTION(queue), "BYTES", "what may wait on one link, at each end",
     1024, UINT64_C(1) << 34},
    {"lifeline", OPT_COUNT, OPTION(lifeline), "FD",
     "end when this descriptor reaches its end: whoever holds the other side is gone", 0, 65535},
    {"insecure", OPT_FLAG, OPTION(insecure), NULL, "allow plain TCP beyond loopback", 0, 0},
    {"verbose", OPT_FLAG, OPTION(verbose), NULL, "say more", 0, 0},
};

const size_t STAGE_OPTS_COUNT = sizeof STAGE_OPTS / sizeof STAGE_OPTS[0];

int64_t stage_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

const struct bus *stage_bus(const struct stage *stage)
{
    return stage->bus;
}

struct peers *stage_peers(struct stage *stage)
{
    return stage->peers;
}

const char *stage_control_endpoint(const struct stage *stage)
{
    return inbox_endpoint(stage->control);
}

void stage_watch(struct stage *stage, void *socket)
{
    stage->watched = socket;
}

/* ---- sessions ----------------------------------------------------------------------------- */

static struct session *find_session(const struct stage *stage, const struct message_head *head)
{
    for (uint32_t i = 0; i < stage->session_count; i++)
        if (session_is(stage->sessions[i], head->capture, head->attempt))
            return stage->sessions[i];
    return NULL;
}

static bool was_released(const struct stage *stage, const struct message_head *head)
{
    for (uint32_t i = 0; i < RELEASED; i++)
        if (stage->released[i].capture == head->capture &&
            stage->released[i].attempt == head->attempt)
            return true;
    return false;
}

static void end_core(struct stage *stage, struct session *session)
{
    void *core = session_core(session);
    session_set_core(session, NULL);
    if (core && stage->hooks->end)
        stage->hooks->end(&core);
}

/* This attempt cannot go on here: its reader hears why, and what still comes of it is ignored. */
static void fail_session(struct stage *stage, struct session *session, int error)
{
    if (session_failed(session) || error == ERR_STOPPED)
        return;
    char text[256];
    snprintf(text, sizeof text, "%s: %s", stage->name, error_text(error));
    log_error("capture %016" PRIx64 ": %s", session_capture(session)->id, error_text(error));
    struct buffer body = {0};
    pack_array(&body, 2);
    pack_uint(&body, error_exit(error));
    pack_str(&body, text);
    outlet_tell(session_outlet(session), TAPLINE_FAULT, &body);
    buffer_free(&body);
    end_core(stage, session);
    session_fail(session);
}

static struct session *add_session(struct stage *stage, const struct message_head *head,
                                   struct slice document, int *error)
{
    struct session **grown =
        realloc(stage->sessions, (stage->session_count + 1) * sizeof *stage->sessions);
    *error = -ENOMEM;
    if (!grown)
        return NULL;
    stage->sessions = grown;
    struct session *session = session_new(&stage->host, head, document, error);
    if (session)
        stage->sessions[stage->session_count++] = session;
    vital_set(&bus_vitals(stage->bus)->sessions, stage->session_count);
    return session;
}

static void begin_session(struct stage *stage, const struct message_head *head,
                          struct unpack *body)
{
    if (find_session(stage, head) || was_released(stage, head) || !stage->hooks->begin)
        return;
    int error;
    struct session *session = add_session(stage, head, unpack_raw(body), &error);
    if (!session) {
        log_error("a capture document that cannot be read: %s", error_text(error));
        return;
    }
    void *core = stage->hooks->begin(stage->shared, session_capture(session),
                                     session_outlet(session), &error);
    session_set_core(session, core);
    if (!core && error)
        fail_session(stage, session, error);
    else if (!core)
        session_fail(session); /* the reader was told by the core itself */
}

void stage_release(struct stage *stage, uint64_t capture, uint64_t attempt)
{
    stage->released[stage->released_next].capture = capture;
    stage->released[stage->released_next].attempt = attempt;
    stage->released_next = (stage->released_next + 1) % RELEASED;
    for (uint32_t i = 0; i < stage->session_count; i++) {
        struct session *session = stage->sessions[i];
        if (!session_is(session, capture, attempt))
            continue;
        stage->sessions[i] = stage->sessions[--stage->session_count];
        end_core(stage, session);
        session_free(&session);
        break;
    }
    vital_set(&bus_vitals(stage->bus)->sessions, stage->session_count);
}

struct session *stage_attempt(struct stage *stage, const struct capture *capture, void *core,
                              int *error)
{
    struct buffer document = {0};
    capture_pack(&document, capture);
    struct message_head head = {.capture = capture->id, .attempt = capture->attempt};
    struct session *session =
        document.failed ? NULL
                        : add_session(stage, &head, (struct slice){document.bytes, document.length},
                                      error);
    buffer_free(&document);
    if (session)
        session_set_core(session, core);
    return session;
}

/* ---- messages ----------------------------------------------------------------------------- */

static int take_frames(struct stage *stage, void *core, struct unpack *body)
{
    uint32_t count = unpack_array(body);
    int rc = body->error;
    for (uint32_t i = 0; i < count && !rc; i++) {
        struct frame frame;
        int what = frame_unpack(body, &frame);
        if (what == FRAME_PACKET)
            rc = stage->hooks->frame(core, &frame);
        else if (what == FRAME_CLOCK)
            rc = stage->hooks->clock(core, frame.time_ns);
        else
            rc = what;
    }
    return rc;
}

/* Reads the next events, at most STAGE_AHEAD of those that are left. 0, or why not all. */
static int read_ahead(struct unpack *body, struct event *events, uint32_t left, uint32_t *read)
{
    int rc = 0;
    for (*read = 0; *read < left && *read < STAGE_AHEAD && !rc; *read += !rc)
        rc = event_unpack(body, &events[*read]);
    return rc;
}

static int take_events(struct stage *stage, struct session *session, uint32_t from,
                       struct unpack *body)
{
    void *core = session_core(session);
    struct event events[STAGE_AHEAD];
    uint32_t left = unpack_array(body), read;
    int rc = body->error;
    for (; left && !rc; left -= read) {
        int unreadable = read_ahead(body, events, left, &read);
        if (stage->hooks->expect)
            stage->hooks->expect(core, events, read);
        for (uint32_t i = 0; i < read && !rc; i++) {
            session_took(session, &events[i]);
            rc = stage->hooks->event(core, from, &events[i]);
        }
        rc = rc ? rc : unreadable;
    }
    return rc;
}

static int take_end(struct stage *stage, void *core, struct unpack *body)
{
    unpack_array_of(body, 1);
    uint64_t frames = unpack_uint(body);
    return body->error ? body->error : stage->hooks->finish(core, frames);
}

static int take_demands(struct stage *stage, void *core, uint32_t from, struct unpack *body)
{
    /* What a flow's next stage does not want is not sent again: nobody else may say so. */
    bool next = peers_serves(stage->peers, from, (enum tapline_role)(stage->hooks->role + 1));
    uint32_t count = next ? unpack_array(body) : 0;
    for (uint32_t i = 0; i < count && !body->error; i++) {
        struct demand demand;
        if (demand_unpack(body, &demand) == 0)
            stage->hooks->demand(core, &demand);
    }
    return 0; /* a demand that cannot be read is one that was lost */
}

/* One message of an attempt, to its core. */
static int dispatch(struct stage *stage, struct session *session, struct message *message)
{
    const struct stage_hooks *hooks = stage->hooks;
    void *core = session_core(session);
    uint32_t from = peers_find(stage->peers, message->head.sender);
    switch (message->head.kind) {
    case TAPLINE_PACKETS:
        if (hooks->frame)
            return take_frames(stage, core, &message->body);
        break;
    case TAPLINE_EVENTS:
        if (hooks->event)
            return take_events(stage, session, from, &message->body);
        break;
    case TAPLINE_END:
        if (hooks->finish)
            return take_end(stage, core, &message->body);
        break;
    case TAPLINE_DEMAND:
        if (hooks->demand)
            return take_demands(stage, core, from, &message->body);
        break;
    default:
        if (hooks->message)
            return hooks->message(core, &message->head, &message->body);
        break;
    }
    log_warning("passed over a message of kind %d: not for a %s", (int)message->head.kind,
                hooks->name);
    return 0;
}

static void take_message(struct stage *stage, struct message *message, bool is_data)
{
    const struct message_head *head = &message->head;
    bool whole = !is_data || peers_in_sequence(stage->peers, head);
    struct session *session = find_session(stage, head);
    int rc = 0;
    if (session && !session_heeds(session, head))
        rc = ERR_MALFORMED;
    else if (head->kind == TAPLINE_ROSTER)
        rc = peers_update(stage->peers, &message->body);
    else if (head->kind == TAPLINE_BEGIN)
        begin_session(stage, head, &message->body);
    else if (head->kind == TAPLINE_RELEASE)
        stage_release(stage, head->capture, head->attempt);
    else if (!head->capture && stage->hooks->role == TAPLINE_LOBBY)
        rc = stage->hooks->message(stage->shared, head, &message->body);
    else if (session && !session_failed(session)) {
        rc = whole ? dispatch(stage, session, message) : ERR_LOST;
        if (rc == ERR_STOPPED || (rc && stage->hooks->pull))
            stage->outcome = rc; /* a reader has no other attempt to go on with */
        else if (rc)
            fail_session(stage, session, rc);
        rc = 0;
    }
    if (rc)
        log_warning("passed over a message of kind %d: %s", (int)head->kind, error_text(rc));
    message_release(message);
}

/* ---- housekeeping ------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked;
static int stop_event = -1; /* readable once it was asked: a signal just before a wait must end it */

static void on_stop_signal(int signal_number)
{
    int before = errno;
    (void)signal_number;
    stop_asked = 1;
    eventfd_write(stop_event, 1);
    errno = before;
}

static void wait_for_messages(struct stage *stage, bool data_too, int wait_ms)
{
    zmq_pollitem_t items[4] = {
        {.fd = stop_event, .events = ZMQ_POLLIN},
        {.socket = inbox_socket(stage->control), .events = ZMQ_POLLIN},
    };
    int count = 2;
    int64_t before = stage_now();
    if (data_too && stage->data)
        items[count++] = (zmq_pollitem_t){.socket = inbox_socket(stage->data), .events = ZMQ_POLLIN};
    if (data_too && stage->watched)
        items[count++] = (zmq_pollitem_t){.socket = stage->watched, .events = ZMQ_POLLIN};
    if (!stop_asked)
        zmq_poll(items, count, wait_ms);
    if (data_too)
        vital_add(&bus_vitals(stage->bus)->idle_ns, (uint64_t)(stage_now() - before));
    if (stop_asked)
        stage->outcome = ERR_STOPPED;
}

/* While a send waits for room: rosters are read (the peer may be lost), the rest is put off. */
static int wait_a_moment(void *context)
{
    struct stage *stage = context;
    wait_for_messages(stage, false, QUIET_MS);
    while (!stage->outcome && stage->deferred_count < DEFERRED) {
        struct message *message = malloc(sizeof *message);
        if (!message)
            return -ENOMEM;
        if (inbox_receive(stage->control, message) != 0) {
            free(message);
            break;
        }
        if (message->head.kind == TAPLINE_ROSTER) {
            take_message(stage, message, false);
            free(message);
        } else {
            stage->deferred[stage->deferred_count++] = message;
        }
    }
    return stage->outcome;
}

static void take_control(struct stage *stage)
{
    /* Handling one may wait and so defer more: those are behind `deferred_count` again. */
    while (stage->deferred_count) {
        struct message *first = stage->deferred[0];
        stage->deferred_count--;
        memmove(stage->deferred, stage->deferred + 1,
                stage->deferred_count * sizeof stage->deferred[0]);
        take_message(stage, first, false);
        free(first);
    }
    struct message message;
    while (inbox_receive(stage->control, &message) == 0)
        take_message(stage, &message, false);
}

static int take_data(struct stage *stage)
{
    int taken = 0;
    struct message message;
    while (stage->data && taken < BURST && !stage->outcome &&
           inbox_receive(stage->data, &message) == 0) {
        take_message(stage, &message, true);
        taken++;
    }
    return taken;
}

static void flush(struct stage *stage, int64_t now)
{
    stage->flushed_ns = now;
    for (uint32_t i = 0; i < stage->session_count; i++) {
        struct session *session = stage->sessions[i];
        int rc = session_failed(session) ? 0 : session_flush(session);
        if (rc)
            fail_session(stage, session, rc);
    }
}

static void take_turns(struct stage *stage, int64_t now)
{
    for (uint32_t i = 0; i < stage->session_count && stage->hooks->turn; i++) {
        struct session *session = stage->sessions[i];
        int rc = session_core(session) ? stage->hooks->turn(session_core(session), now) : 0;
        if (rc)
            fail_session(stage, session, rc);
    }
}

/* ---- the loop ----------------------------------------------------------------------------- */

static int run(struct stage *stage)
{
    const struct stage_hooks *hooks = stage->hooks;
    int wait_ms = 0;
    int64_t ticked = 0;
    int rc = hooks->ready ? hooks->ready(stage->shared, stage) : 0;
    while (!rc && !stage->outcome) {
        int64_t now = stage_now();
        if (hooks->tick && now - ticked >= MS(HEARTBEAT_MS)) {
            ticked = now;
            rc = hooks->tick(stage->shared, now);
        }
        wait_for_messages(stage, true, wait_ms);
        if (hooks->attend && !rc)
            rc = hooks->attend(stage->shared);
        take_control(stage);
        take_turns(stage, now);
        bool busy = take_data(stage) > 0;
        if (hooks->pull && !rc && !stage->outcome) {
            rc = hooks->pull(stage->shared);
            busy |= rc == 0;
            if (rc == ERR_AGAIN)
                rc = 0;
        }
        if (!busy && wait_ms == QUIET_MS) {
            flush(stage, now);
            wait_ms = HEARTBEAT_MS / 4;
        } else {
            if (now - stage->flushed_ns > MS(FLUSH_MS))
                flush(stage, now);
            if (busy)
                wait_ms = hooks->pull ? 0 : QUIET_MS;
            else if (wait_ms < QUIET_MS)
                wait_ms = QUIET_MS;
        }
    }
    return rc ? rc : stage->outcome;
}

/* ---- opening and closing ------------------------------------------------------------------ */

/* Where an inbox of this worker goes. Its file's name holds the process's id: what was on its way
 * to a worker that died must not reach the one that takes its place. */
static int inbox_place(const struct stage *stage, const char *which, char out[PRESENCE_ENDPOINT])
{
    const char *given = stage->options->inbox;
    char file[PRESENCE_NAME + 32];
    if (given && strncmp(given, "ipc://", 6) == 0)
        return snprintf(out, PRESENCE_ENDPOINT, "%s.%s", given, which) < PRESENCE_ENDPOINT
                   ? 0
                   : ERR_LIMIT;
    if (given)
        return snprintf(out, PRESENCE_ENDPOINT, "%s", given) < PRESENCE_ENDPOINT ? 0 : ERR_LIMIT;
    snprintf(file, sizeof file, "%s.%d.%s", stage->name, (int)getpid(), which);
    return endpoint_beside(stage->options->join, file, out);
}

static int open_inbox(struct stage *stage, struct inbox **inbox, const char *endpoint, int waiting)
{
    int error = bus_endpoint_allowed(endpoint, stage->options->insecure);
    if (!error)
        *inbox = inbox_new(stage->bus, endpoint, waiting, &error);
    return error;
}

static int open_sockets(struct stage *stage)
{
    const struct stage_options *options = stage->options;
    char endpoint[PRESENCE_ENDPOINT];
    uint64_t messages = options->queue / options->batch;
    int waiting = messages < 2 ? 2 : messages > 100000 ? 100000 : (int)messages, error;
    stage->peers = peers_new(stage->bus, waiting);
    if (!stage->peers)
        return -ENOMEM;
    if (stage->hooks->role == TAPLINE_LOBBY)
        return open_inbox(stage, &stage->control, options->join, 1000);
    error = inbox_place(stage, "data", endpoint);
    if (!error)
        error = open_inbox(stage, &stage->data, endpoint, waiting);
    if (!error)
        error = inbox_place(stage, "control", endpoint);
    if (!error)
        error = open_inbox(stage, &stage->control, endpoint, 1000);
    return error ? error : bus_endpoint_allowed(options->join, options->insecure);
}

static int start_pulse(struct stage *stage)
{
    bool lobby = stage->hooks->role == TAPLINE_LOBBY;
    struct pulse_options options = {
        .lobby = lobby ? NULL : stage->options->join,
        .presence.role = stage->hooks->role,
        .lifeline = (int)stage->options->lifeline,
    };
    struct presence *presence = &options.presence;
    snprintf(presence->name, sizeof presence->name, "%s", stage->name);
    if (stage->data)
        snprintf(presence->data, sizeof presence->data, "%s", inbox_endpoint(stage->data));
    snprintf(presence->control, sizeof presence->control, "%s", inbox_endpoint(stage->control));
    int error;
    stage->pulse = pulse_new(stage->bus, &options, &error);
    return error;
}

/* No two workers have one name: the later one takes the other's place (<tapline/wire.h>). */
static void name_stage(struct stage *stage)
{
    char host[33] = "-";
    const char *role = strchr(stage->hooks->name, '-');
    bool alone = strncmp(stage->options->join, "ipc://", 6) == 0;
    if (!alone)
        gethostname(host + 1, sizeof host - 2);
    if (stage->options->name)
        snprintf(stage->name, sizeof stage->name, "%s", stage->options->name);
    else
        snprintf(stage->name, sizeof stage->name, "%s%s-%d", role ? role + 1 : "",
                 alone ? "" : host, (int)getpid());
}

static int open_stage(struct stage *stage)
{
    /* No SA_RESTART: what waits, also for bytes of a capture, is to notice. */
    const struct sigaction stop = {.sa_handler = on_stop_signal};
    stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_event < 0)
        return -errno;
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGHUP, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), like a full disk */
    name_stage(stage);
    int error;
    stage->bus = bus_new(&error);
    if (!error)
        error = open_sockets(stage);
    stage->host = (struct session_host){stage->bus, stage->peers, stage->options->batch,
                                        wait_a_moment, stage, stage_now};
    return error ? error : start_pulse(stage);
}

/* The folder of a private pipeline's sockets goes with the last of its processes, also where the
 * launcher was killed: removing it fails for all others, as it is not empty then. */
static void leave_folder(const struct stage *stage)
{
    char folder[ENDPOINT_MAX];
    const char *slash = strrchr(stage->options->join, '/');
    if (!stage->options->lifeline || strncmp(stage->options->join, "ipc://", 6) != 0)
        return;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - stage->options->join) - 6,
             stage->options->join + 6);
    rmdir(folder);
}

static void close_stage(struct stage *stage, bool deliver)
{
    while (stage->session_count) {
        const struct capture *capture = session_capture(stage->sessions[0]);
        stage_release(stage, capture->id, capture->attempt);
    }
    free(stage->sessions);
    if (stage->hooks->closing)
        stage->hooks->closing(stage->shared);
    for (uint32_t i = 0; i < stage->deferred_count; i++) {
        message_release(stage->deferred[i]);
        free(stage->deferred[i]);
    }
    peers_free(&stage->peers, deliver);
    pulse_free(&stage->pulse);
    inbox_free(&stage->data);
    inbox_free(&stage->control);
    bus_free(&stage->bus);
    leave_folder(stage);
}

/* Every batch is a block of memory that comes and goes. Given back and asked for anew each time,
 * its pages would be zeroed by the system each time, which costs as much as all that is done with
 * the packets in them. */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK);
    mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
}

int stage_main(const struct stage_hooks *hooks, const struct stage_options *options, void *shared)
{
    log_open(hooks->name, options->verbose ? LOG_INFO : LOG_WARNING);
    keep_memory();
    if (!options->join) {
        log_error("--join is missing: the endpoint of the pipeline's lobby");
        return EXIT_WRONG_USE;
    }
    struct stage *stage = calloc(1, sizeof *stage);
    int rc = -ENOMEM;
    if (stage) {
        stage->hooks = hooks;
        stage->options = options;
        stage->shared = shared;
        rc = open_stage(stage);
        if (!rc)
            rc = run(stage);
        close_stage(stage, rc != ERR_STOPPED);
        free(stage);
    }
    if (rc == ERR_EOF || rc == ERR_STOPPED)
        return EXIT_DONE;
    if (rc == -ENOMEM)
        log_error("%s", error_text(rc));
    return error_exit(rc);
}

int stage_program(const struct stage_hooks *hooks, const struct opt_usage *usage, void *shared,
                  int argc, char **argv)
{
    struct stage_options options = STAGE_OPTIONS_DEFAULT;
    const struct opt_set sets[] = {{STAGE_OPTS, STAGE_OPTS_COUNT, &options}};
    int first;
    log_open(hooks->name, LOG_WARNING);
    enum opt_outcome outcome = opts_parse(usage, sets, 1, argc, argv, &first);
    if (outcome == OPT_GO && first < argc) {
        log_error("%s: not an option (see --help)", argv[first]);
        outcome = OPT_WRONG;
    }
    if (outcome != OPT_GO)
        return outcome == OPT_ENDED ? EXIT_DONE : EXIT_WRONG_USE;
    return stage_main(hooks, &options, shared);
}
