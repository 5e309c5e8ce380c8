#include "common/bus/stage.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/attempts.h"
#include "common/bus/dispatch.h"
#include "common/bus/inbox.h"
#include "common/bus/member.h"
#include "common/bus/signals.h"
#include "common/wire/pack.h"

/* How much is done between two looks around, and how long quiet lasts before batches leave. */
enum { BURST = 32, QUIET_MS = 2, FLUSH_MS = 20, HEARTBEAT_MS = 1000, DEFERRED = 256 };
enum { DEFERRED_DEMANDS = DEFERRED / 2 };

/* A worker that leaves stays until nothing has come for so long: then everybody knows. And what it
 * has sent by then has so long to leave. */
#define LEAVE_NS (INT64_C(3) * 1000000000)
enum { LEAVE_LINGER_MS = 60000, STOP_LINGER_MS = 0 };

/* What the C library keeps instead of giving it back to the system, and below what size a block is
 * its own to keep. */
enum { KEPT_MEMORY = 64 << 20, KEPT_BLOCK = 16 << 20 };

#define MS(n) ((int64_t)(n) * 1000000)

struct stage {
    const struct stage_hooks *hooks;
    const struct stage_options *options;
    void *shared;
    struct member *member;
    struct inbox *data; /* the member's; NULL for the lobby */
    struct inbox *control;
    void *watched;          /* a socket of the program's own; NULL: none */
    int watched_descriptor; /* the same of the system's; -1: none */
    struct peers *peers;
    struct session_host host;
    struct attempts *attempts;
    struct message *deferred[DEFERRED]; /* control messages that came while a send waited */
    uint32_t deferred_count;
    int64_t flushed_ns;
    int64_t ticked_ns;
    int64_t heard_ns;   /* when the last data message came */
    int64_t leaving_ns; /* since when this worker takes no new work; 0: it does */
    int outcome; /* not 0: the loop ends with it */
};

int64_t stage_now(void)
{
    return clock_monotonic();
}

const struct bus *stage_bus(const struct stage *stage)
{
    return member_bus(stage->member);
}

struct peers *stage_peers(struct stage *stage)
{
    return stage->peers;
}

const char *stage_control_endpoint(const struct stage *stage)
{
    return member_endpoint(stage->member);
}

void stage_watch(struct stage *stage, void *socket)
{
    stage->watched = socket;
}

void stage_watch_descriptor(struct stage *stage, int descriptor)
{
    stage->watched_descriptor = descriptor;
}

static struct vitals *vitals_of(const struct stage *stage)
{
    return bus_vitals(stage_bus(stage));
}

/* ---- sessions ----------------------------------------------------------------------------- */

/* This attempt cannot go on here: its reader hears why, and what still comes of it is ignored. A
 * reader looks after its own attempt, whatever comes in. */
static void fail_session(struct stage *stage, struct session *session, int error)
{
    if (session_failed(session) || error == ERR_STOPPED || stage->hooks->pull)
        return;
    char text[256];
    const char *fault = session_fault(session);
    snprintf(text, sizeof text, "%s: %s", member_name(stage->member),
             *fault ? fault : error_text(error));
    log_info("capture %016" PRIx64 ": %s", session_capture(session)->id, text);
    struct buffer body = {0};
    pack_array(&body, 2);
    pack_uint(&body, error_exit(error));
    pack_text(&body, text, strlen(text));
    outlet_tell(session_outlet(session), TAPLINE_FAULT, &body);
    buffer_free(&body);
    attempts_fail(stage->attempts, session);
}

static struct session *add_session(struct stage *stage, const struct message_head *head,
                                   struct slice document, int *error)
{
    struct session *session = session_new(&stage->host, head, document, error);
    if (session)
        *error = attempts_add(stage->attempts, session);
    vital_add(&vitals_of(stage)->sessions_in, 1);
    vital_set(&vitals_of(stage)->sessions, attempts_count(stage->attempts));
    return *error ? NULL : session;
}

static void begin_session(struct stage *stage, const struct message_head *head,
                          struct unpack *body)
{
    struct attempts *attempts = stage->attempts;
    if (attempts_find(attempts, head->capture, head->attempt) || !stage->hooks->begin ||
        attempts_over(attempts, head->capture, head->attempt))
        return;
    if (head->attempt > 1) /* nobody waits for the earlier ones any more */
        attempts_release(attempts, head->capture, head->attempt - 1);
    int error;
    struct session *session = add_session(stage, head, unpack_raw(body), &error);
    if (!session) {
        log_error("a capture document that cannot be read: %s", error_text(error));
        return;
    }
    /* A sink gets no bytes of packets. */
    error = stage->hooks->role < TAPLINE_SINK ? session_open_stock(session) : 0;
    void *core = error ? NULL
                       : stage->hooks->begin(stage->shared, session_capture(session),
                                             session_outlet(session), &error);
    session_set_core(session, core);
    if (!core && error)
        fail_session(stage, session, error);
    else if (!core)
        session_fail(session); /* the reader was told by the core itself */
}

void stage_release(struct stage *stage, uint64_t capture, uint64_t attempt)
{
    attempts_release(stage->attempts, capture, attempt);
    vital_set(&vitals_of(stage)->sessions, attempts_count(stage->attempts));
}

/* After the roster may have changed: attempts whose workers were lost fail, and those whose reader
 * has not been there for a while are forgotten. */
static void check_sessions(struct stage *stage, int64_t now)
{
    for (uint32_t i = attempts_count(stage->attempts); i-- > 0 && !stage->hooks->pull;) {
        struct session *session = attempts_at(stage->attempts, i);
        int rc = session_failed(session) ? 0 : session_check(session);
        if (rc)
            fail_session(stage, session, rc);
        const struct capture *capture = session_capture(session);
        if (!session_orphaned(session, now))
            continue;
        log_info("capture %016" PRIx64 ": its reader is gone", capture->id);
        stage_release(stage, capture->id, capture->attempt);
    }
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

/* A message of this sender's was lost, nobody can say of which attempt. */
static void fail_all(struct stage *stage)
{
    for (uint32_t i = 0; i < attempts_count(stage->attempts); i++)
        fail_session(stage, attempts_at(stage->attempts, i), ERR_LOST);
}

/* One message of an attempt, to its core. */
static void take_work(struct stage *stage, struct session *session, struct message *message)
{
    int rc = dispatch(stage->hooks, stage->peers, session, message);
    if (rc == ERR_STOPPED)
        stage->outcome = rc;
    else if (rc)
        fail_session(stage, session, rc);
}

/* Looks whether a data message is the next one of its sender, and fails what has lost one. False:
 * it is late and counts no more. A BEGIN is the first that an attempt sends: what was lost before
 * it was none of that attempt's. */
static bool in_sequence(struct stage *stage, const struct message_head *head,
                        struct session *session)
{
    stage->heard_ns = stage_now();
    uint64_t now = (uint64_t)clock_wall();
    if (head->sent && head->sent < now) /* clocks of two hosts may differ */
        vital_raise(&vitals_of(stage)->lag_ns, now - head->sent);
    switch (peers_sequence(stage->peers, head)) {
    case SEQUENCE_NEXT: return true;
    case SEQUENCE_GAP: fail_all(stage); return true;
    case SEQUENCE_LATE: return false;
    case SEQUENCE_UNKNOWN: break;
    }
    if (session && head->kind != TAPLINE_BEGIN)
        fail_session(stage, session, ERR_LOST);
    return true;
}

static int take_roster(struct stage *stage, struct message *message)
{
    int64_t now = stage_now(), oldest = now;
    int rc = peers_update(stage->peers, &message->head, &message->body, now);
    for (uint32_t i = 0; i < attempts_count(stage->attempts); i++) {
        int64_t began = session_began(attempts_at(stage->attempts, i));
        oldest = began < oldest ? began : oldest;
    }
    peers_forget(stage->peers, oldest);
    member_reached(stage->member);
    return rc;
}

/* What says who is there, and is read also while a send waits. */
static bool take_news(struct stage *stage, struct message *message)
{
    int rc = 0;
    bool by_lobby = member_by_lobby(stage->member, &message->head);
    if (message->head.kind == TAPLINE_ROSTER && !by_lobby)
        rc = ERR_MALFORMED;
    else if (message->head.kind == TAPLINE_ROSTER)
        rc = take_roster(stage, message);
    else if (message->head.kind == TAPLINE_PARTED && !peers_proved(stage->peers, &message->head))
        rc = ERR_MALFORMED;
    else if (message->head.kind == TAPLINE_PARTED)
        rc = peers_parted(stage->peers, message->head.sender, &message->body);
    else
        return false;
    if (rc)
        log_warning("passed over a message of kind %d: %s", (int)message->head.kind,
                    error_text(rc));
    return true;
}

/* A RELEASE may come ahead of the attempt that it ends here, but from nobody who is no reader: that
 * attempt would never begin. */
static bool may_release(const struct stage *stage, uint64_t sender, const struct session *session)
{
    return session ||
           peers_role(stage->peers, peers_find(stage->peers, sender)) == TAPLINE_READER;
}

static void take_message(struct stage *stage, struct message *message, bool is_data)
{
    const struct message_head *head = &message->head;
    struct session *session = attempts_find(stage->attempts, head->capture, head->attempt);
    bool proved = peers_proved(stage->peers, head);
    int rc = 0;
    if (proved && is_data && !in_sequence(stage, head, session))
        log_info("a late message of kind %d", (int)head->kind);
    else if (!proved || (session && !session_heeds(session, head)))
        rc = ERR_MALFORMED;
    else if (take_news(stage, message))
        ;
    else if (head->kind == TAPLINE_BEGIN)
        begin_session(stage, head, &message->body);
    else if (head->kind == TAPLINE_RELEASE && may_release(stage, head->sender, session))
        stage_release(stage, head->capture, head->attempt);
    else if (!head->capture && stage->hooks->role == TAPLINE_LOBBY)
        rc = stage->hooks->message(stage->shared, head, &message->body);
    else if (session && !session_failed(session))
        take_work(stage, session, message);
    if (rc)
        log_warning("passed over a message of kind %d: %s", (int)head->kind, error_text(rc));
    message_release(message);
}

/* ---- housekeeping ------------------------------------------------------------------------- */

static void wait_for_messages(struct stage *stage, bool data_too, int wait_ms)
{
    zmq_pollitem_t items[5] = {
        {.fd = signals_descriptor()},
        {.socket = inbox_socket(stage->control)},
    };
    int count = 2;
    int64_t before = stage_now();
    if (data_too && stage->data)
        items[count++].socket = inbox_socket(stage->data);
    if (data_too && stage->watched)
        items[count++].socket = stage->watched;
    if (data_too && stage->watched_descriptor >= 0)
        items[count++].fd = stage->watched_descriptor;
    for (int i = 0; i < count; i++)
        items[i].events = ZMQ_POLLIN;
    if (!signals_stop())
        zmq_poll(items, count, wait_ms);
    signals_clear();
    if (data_too)
        vital_add(&vitals_of(stage)->idle_ns, (uint64_t)(stage_now() - before));
    if (signals_stop())
        stage->outcome = ERR_STOPPED;
}

/* What need not be put off: news, which is taken, and demands that are too many to be kept. These
 * only save work, and nothing may hide that the peer which a send waits for was lost. */
static bool done_with(struct stage *stage, struct message *message)
{
    return take_news(stage, message) || (message->head.kind == TAPLINE_DEMAND &&
                                         stage->deferred_count >= DEFERRED_DEMANDS);
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
        if (done_with(stage, message)) {
            message_release(message);
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
    for (uint32_t i = 0; i < attempts_count(stage->attempts); i++) {
        struct session *session = attempts_at(stage->attempts, i);
        int rc = session_failed(session) ? 0 : session_flush(session);
        if (rc)
            fail_session(stage, session, rc);
    }
}

static void take_turns(struct stage *stage, int64_t now)
{
    for (uint32_t i = 0; i < attempts_count(stage->attempts) && stage->hooks->turn; i++) {
        struct session *session = attempts_at(stage->attempts, i);
        int rc = session_core(session) ? stage->hooks->turn(session_core(session), now) : 0;
        if (rc)
            fail_session(stage, session, rc);
    }
}

/* Told to leave, this worker may go: it holds nothing any more, and who chose it before they knew
 * has had the time to say so. */
static bool may_go(struct stage *stage, int64_t now)
{
    bool by_flow = stage->hooks->role == TAPLINE_CLASSIFIER ||
                   stage->hooks->role == TAPLINE_EXTRACTOR;
    if (!stage->leaving_ns) {
        stage->leaving_ns = now;
        log_info("leaving");
        member_leave(stage->member);
    }
    uint64_t held = 0;
    for (uint32_t i = 0; i < attempts_count(stage->attempts); i++) {
        const struct session *session = attempts_at(stage->attempts, i);
        if (!session_failed(session))
            held += by_flow ? session_flows(session) : 1;
    }
    return !held && now - stage->leaving_ns > LEAVE_NS && now - stage->heard_ns > LEAVE_NS;
}

/* ---- the loop ----------------------------------------------------------------------------- */

static int housekeep(struct stage *stage, int64_t now)
{
    if (signals_leave() && (stage->hooks->pull || stage->hooks->role == TAPLINE_LOBBY))
        return ERR_STOPPED; /* these hold nothing that could be handed on */
    check_sessions(stage, now);
    if (signals_leave() && may_go(stage, now)) {
        flush(stage, now);
        if (attempts_count(stage->attempts))
            peers_part(stage->peers);
        return ERR_EOF;
    }
    if (now - stage->ticked_ns < MS(HEARTBEAT_MS))
        return 0;
    stage->ticked_ns = now;
    peers_settle(stage->peers);
    if (stage->data)
        inbox_sweep(stage->data);
    return stage->hooks->tick ? stage->hooks->tick(stage->shared, now) : 0;
}

/* How long the loop may wait: not at all while there is more to do, and longer and longer after
 * that, when what is batched has left. */
static int next_wait(struct stage *stage, int wait_ms, bool busy, int64_t now)
{
    if (!busy && wait_ms == QUIET_MS) {
        flush(stage, now);
        return HEARTBEAT_MS / 4;
    }
    if (now - stage->flushed_ns > MS(FLUSH_MS))
        flush(stage, now);
    if (busy)
        return stage->hooks->pull ? 0 : QUIET_MS;
    return wait_ms < QUIET_MS ? QUIET_MS : wait_ms;
}

static int run(struct stage *stage)
{
    const struct stage_hooks *hooks = stage->hooks;
    int wait_ms = 0;
    int rc = hooks->ready ? hooks->ready(stage->shared, stage) : 0;
    while (!rc && !stage->outcome) {
        int64_t now = stage_now();
        rc = housekeep(stage, now);
        if (rc)
            break;
        wait_for_messages(stage, true, wait_ms);
        if (hooks->attend)
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
        wait_ms = next_wait(stage, wait_ms, busy, now);
    }
    return rc ? rc : stage->outcome;
}

/* ---- opening and closing ------------------------------------------------------------------ */

static int open_stage(struct stage *stage)
{
    int error = signals_open();
    if (error)
        return error;
    stage->member = member_new(stage->hooks->role, stage->options, &error);
    if (error)
        return error;
    stage->data = member_data(stage->member);
    stage->control = member_control(stage->member);
    stage->peers = peers_new(stage_bus(stage), stage_options_waiting(stage->options));
    stage->attempts = attempts_new(stage->hooks->end);
    stage->host = (struct session_host){.bus = stage_bus(stage),
                                        .peers = stage->peers,
                                        .batch = stage->options->batch,
                                        .stall_ns = stage->options->stall_ns,
                                        .wait = wait_a_moment,
                                        .context = stage,
                                        .now = stage_now};
    return stage->peers && stage->attempts ? 0 : -ENOMEM;
}

static void close_stage(struct stage *stage, int linger_ms)
{
    attempts_free(&stage->attempts);
    if (stage->hooks->closing)
        stage->hooks->closing(stage->shared);
    for (uint32_t i = 0; i < stage->deferred_count; i++) {
        message_release(stage->deferred[i]);
        free(stage->deferred[i]);
    }
    peers_free(&stage->peers, linger_ms);
    member_free(&stage->member);
}

/* Every batch is a block of memory that comes and goes. Given back and asked for anew each time,
 * its pages would be zeroed by the system each time, which costs as much as all that is done with
 * the packets in them. */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK);
    mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
}

/* Whoever is woken takes its turn, threads that begin later included, and drives nobody from a
 * processor whose cache holds what that one is working on: with fewer processors than workers, that
 * would happen with every message. Who was started with another policy keeps it. */
static void wait_for_turns(void)
{
    const struct sched_param none = {0};
    if (sched_getscheduler(0) == SCHED_OTHER)
        sched_setscheduler(0, SCHED_BATCH, &none);
}

/* How long what was sent may take to leave behind the loop's end. */
static int linger_after(int rc)
{
    return rc == ERR_STOPPED ? STOP_LINGER_MS : signals_leave() ? LEAVE_LINGER_MS : LINK_LINGER_MS;
}

int stage_main(const struct stage_hooks *hooks, const struct stage_options *options, void *shared)
{
    log_open(hooks->name, options->verbose ? LOG_INFO : LOG_WARNING);
    keep_memory();
    wait_for_turns();
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
        stage->watched_descriptor = -1;
        rc = open_stage(stage);
        if (!rc)
            rc = run(stage);
        close_stage(stage, linger_after(rc));
        free(stage);
    }
    if (rc == ERR_EOF || rc == ERR_STOPPED)
        return EXIT_DONE;
    if (rc == -ENOMEM)
        log_error("%s", error_text(rc));
    return error_exit(rc);
}
