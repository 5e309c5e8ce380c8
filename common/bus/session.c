#include "common/bus/session.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/bus/demands.h"
#include "common/bus/herald.h"
#include "common/bus/sharing.h"
#include "common/wire/pack.h"
#include "common/wire/presence.h"

enum { WAIT_MS = 100 }; /* that a full queue is waited on before housekeeping is done */

/* The batches on all ways between two stages, which are as many as there are workers on either
 * side, use no more pieces of the stock than that: others need them, too. */
enum { PIECES_MOST = 12 };

/* A worker that died may come again within this time. */
#define PEER_WAIT_NS (INT64_C(10) * 1000000000)

/* A reader that is not heard of for so long has ended, or its machine has. */
#define ORPHAN_NS (INT64_C(15) * 1000000000)

/* What is on its way to one peer. */
struct outgoing {
    struct buffer batch; /* an open message; empty: none */
    size_t place;        /* of the count of its array */
    uint32_t count;
    enum tapline_kind kind;
    struct places places; /* in the batch; without an original where the peer cannot read it */
    uint32_t pieces_most; /* that the batch may use before it leaves */
    struct demands demands;
    bool begun; /* it has the capture document */
};

struct session {
    const struct session_host *host;
    struct message_head head; /* capture and attempt */
    uint8_t *document;
    size_t document_length;
    struct capture capture;
    struct outlet outlet;
    struct herald *herald; /* tells the reader */
    void *core;
    bool failed;
    int64_t began_ns;
    int64_t starved_ns; /* since when there has been no free piece; 0: there was one */
    int64_t reader_ns; /* when the reader was last on the roster; 0: not looked yet */
    uint32_t absences; /* of this process, when the session began */
    char fault[128];   /* why, for people; "": nothing was lost */
    uint64_t flows; /* opened here and not closed yet */
    struct sharing *sharing;   /* of the reader's stock; NULL: this is the reader, or it has none */
    const struct original *original; /* the stock's; NULL: all bytes travel */
    struct outgoing *outgoing; /* by peer slot */
    uint32_t outgoing_count;
};

static int hand_on(void *context, enum tapline_role to, outlet_route *route,
                   const struct event *event);
static void hand_back(void *context, uint32_t from, const struct demand *demand);
static int tally(void *context, const struct buffer *map);
static int send_mark(void *context, const struct mark *mark);
static int tell(void *context, enum tapline_kind kind, const struct buffer *body);

/* Reads the session's copy of the document, which the capture then points into. */
static int read_document(struct session *session)
{
    struct capture *capture = &session->capture;
    struct unpack from = unpack_over(session->document, session->document_length);
    int error = capture_unpack(&from, capture);
    capture->id = session->head.capture;
    capture->attempt = session->head.attempt;
    if (!capture_tracker(capture, bus_sender(session->host->bus), &capture->index))
        capture->index = 0;
    return error;
}

struct session *session_new(const struct session_host *host, const struct message_head *begin,
                            struct slice document, int *error)
{
    struct session *session = calloc(1, sizeof *session);
    *error = -ENOMEM;
    if (!session)
        return NULL;
    session->host = host;
    session->absences = peers_own_absences(host->peers);
    session->head = *begin;
    session->began_ns = host->now();
    session->outlet = (struct outlet){session, hand_on, hand_back, tally, send_mark, tell};
    session->document = malloc(document.length);
    session->document_length = document.length;
    if (session->document) {
        memcpy(session->document, document.bytes, document.length);
        *error = read_document(session);
        session->herald = herald_new(host->bus, &session->capture);
    }
    if (!*error && !session->herald)
        *error = -ENOMEM;
    if (*error)
        session_free(&session);
    return session;
}

int64_t session_began(const struct session *session)
{
    return session->began_ns;
}

const struct capture *session_capture(const struct session *session)
{
    return &session->capture;
}

/* Notes what this attempt came to its end by. */
__attribute__((format(printf, 2, 3))) static int lost(struct session *session, const char *form,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, form);
    if (!session->fault[0])
        vsnprintf(session->fault, sizeof session->fault, form, arguments);
    va_end(arguments);
    return ERR_LOST;
}

void session_share(struct session *session, const struct stock *stock)
{
    session->original = stock_original(stock);
}

int session_open_stock(struct session *session)
{
    int error;
    session->sharing =
        sharing_new(session->capture.original, bus_realm(session->host->bus), &error);
    if (session->sharing)
        session->original = sharing_original(session->sharing);
    if (error)
        lost(session, "what the reader shares cannot be opened here: %s", error_text(error));
    return error;
}

const struct original *session_original(const struct session *session)
{
    return session->original;
}

int session_set_opens(struct session *session)
{
    struct buffer document = {0};
    session->capture.opens = true;
    capture_pack(&document, &session->capture);
    if (document.failed)
        return -ENOMEM;
    free(session->document);
    session->document = document.bytes;
    session->document_length = document.length;
    return read_document(session);
}

const struct outlet *session_outlet(const struct session *session)
{
    return &session->outlet;
}

void session_set_core(struct session *session, void *core)
{
    session->core = core;
}

void *session_core(const struct session *session)
{
    return session->core;
}

void session_fail(struct session *session)
{
    session->core = NULL;
    session->failed = true;
}

bool session_failed(const struct session *session)
{
    return session->failed;
}

bool session_heeds(const struct session *session, const struct message_head *head)
{
    return capture_heeds(&session->capture, head);
}

bool session_is(const struct session *session, uint64_t capture, uint64_t attempt)
{
    return session->head.capture == capture && session->head.attempt == attempt;
}

void session_took(struct session *session, const struct event *event)
{
    struct vitals *vitals = bus_vitals(session->host->bus);
    if (event->kind == TAPLINE_OPEN) {
        session->flows++;
        vital_add(&vitals->flows_in, 1);
        vital_add(&vitals->flows, 1);
    } else if (event->kind == TAPLINE_CLOSE && session->flows) {
        session->flows--;
        vital_subtract(&vitals->flows, 1);
    }
}

uint64_t session_flows(const struct session *session)
{
    return session->flows;
}

static struct outgoing *outgoing_to(struct session *session, uint32_t peer)
{
    assert(peer);
    if (peer > session->outgoing_count) {
        uint32_t count = peer + 7;
        struct outgoing *grown = realloc(session->outgoing, count * sizeof *grown);
        if (!grown)
            return NULL;
        memset(grown + session->outgoing_count, 0,
               (count - session->outgoing_count) * sizeof *grown);
        session->outgoing = grown;
        session->outgoing_count = count;
    }
    return &session->outgoing[peer - 1];
}

/* Who was itself given up by the others has lost them all. */
static int lost_peer(struct session *session, uint32_t peer)
{
    const struct peers *peers = session->host->peers;
    if (peers_own_absences(peers) != session->absences)
        return lost(session, "this process was out of touch, and given up by the others");
    return lost(session, "%s was lost", peers_name(peers, peer));
}

int session_check(struct session *session)
{
    const struct peers *peers = session->host->peers;
    if (peers_own_absences(peers) != session->absences)
        lost_peer(session, 0);
    for (uint32_t i = 0; i < session->outgoing_count; i++)
        if (session->outgoing[i].begun && !peers_live(peers, i + 1) &&
            !peers_left_in_order(peers, i + 1))
            lost_peer(session, i + 1);
    return session->fault[0] ? ERR_LOST : 0;
}

bool session_orphaned(struct session *session, int64_t now_ns)
{
    const struct peers *peers = session->host->peers;
    if (!session->reader_ns || peers_live(peers, peers_find(peers, session->capture.reader)))
        session->reader_ns = now_ns;
    return now_ns - session->reader_ns > ORPHAN_NS;
}

const char *session_fault(const struct session *session)
{
    return session->fault;
}

/* How long a wait goes on at most: then somebody is taken for lost. */
static bool is_over(const struct session *session, int64_t since_ns)
{
    return session->host->now() - since_ns > session->host->stall_ns;
}

/* Waits until a link has room; the peer may be lost meanwhile, or take nothing for too long. */
static int wait_for_room(struct session *session, uint32_t peer, struct link *link)
{
    const struct session_host *host = session->host;
    struct vitals *vitals = bus_vitals(host->bus);
    int64_t since = host->now();
    int rc = ERR_AGAIN;
    vital_add(&vitals->full_waits, 1);
    while (rc == ERR_AGAIN) {
        rc = host->wait(host->context);
        if (!rc && !peers_live(host->peers, peer))
            rc = lost_peer(session, peer);
        if (!rc && is_over(session, since))
            rc = lost(session, "%s has taken nothing for %d s", peers_name(host->peers, peer),
                      (int)(host->stall_ns / 1000000000));
        if (!rc)
            rc = link_flush(link, WAIT_MS);
    }
    vital_add(&vitals->blocked_ns, (uint64_t)(session->host->now() - since));
    return rc;
}

/* Sends over a peer's data link, waiting for room as long as the host does not give up. */
static int deliver(struct session *session, uint32_t peer, enum tapline_kind kind,
                   struct buffer *message)
{
    struct peers *peers = session->host->peers;
    struct link *link = peers_live(peers, peer) ? peers_data(peers, peer) : NULL;
    if (!link)
        return lost_peer(session, peer);
    struct message_head head = session->head;
    head.kind = kind;
    int rc = link_flush(link, 0);
    if (rc == ERR_AGAIN)
        rc = wait_for_room(session, peer, link);
    if (!rc)
        rc = link_send(link, &head, message, 0);
    return rc == ERR_AGAIN ? wait_for_room(session, peer, link) : rc;
}

int session_begin(struct session *session, uint32_t peer)
{
    struct outgoing *out = outgoing_to(session, peer);
    if (!out)
        return -ENOMEM;
    if (out->begun)
        return 0;
    out->begun = true;
    struct buffer message = {0};
    message_open(&message);
    buffer_append(&message, session->document, session->document_length);
    int rc = deliver(session, peer, TAPLINE_BEGIN, &message);
    buffer_free(&message);
    return rc;
}

static int send_batch(struct session *session, uint32_t peer, struct outgoing *out)
{
    if (!out->batch.length)
        return 0;
    pack_array_close(&out->batch, out->place, out->count);
    places_hand_over(&out->places);
    return deliver(session, peer, out->kind, &out->batch);
}

/* With several workers to send to, there are as many others that send. */
static uint32_t pieces_most(const struct session *s, enum tapline_role to)
{
    uint32_t ways = 0;
    for (uint32_t i = 0; i < s->outgoing_count; i++)
        ways += s->outgoing[i].places.original && peers_serves(s->host->peers, i + 1, to);
    uint32_t most = ways ? PIECES_MOST / ways / ways : PIECES_MOST;
    return most ? most : 1;
}

/* Room for a whole batch at once: growing by doubling would copy it several times. */
static int open_batch(struct session *session, uint32_t peer, struct outgoing *out)
{
    struct peers *peers = session->host->peers;
    struct link *link = peers_live(peers, peer) ? peers_data(peers, peer) : NULL;
    if (!link)
        return lost_peer(session, peer);
    int error = link_fill(link, &out->batch, session->host->batch + session->host->batch / 4);
    message_open(&out->batch);
    out->places.original = peers_share(peers, peer) ? session->original : NULL;
    out->pieces_most = pieces_most(session, peers_role(peers, peer));
    return error;
}

/* The batch for a peer, opened if need be; NULL, with *error set. */
static struct outgoing *batch_to(struct session *session, uint32_t peer, enum tapline_kind kind,
                                 int *error)
{
    struct outgoing *out = outgoing_to(session, peer);
    if (out && out->batch.length && out->kind == kind) { /* so it mostly is */
        *error = 0;
        return out;
    }
    *error = out ? session_begin(session, peer) : -ENOMEM;
    if (!*error && out->batch.length)
        *error = send_batch(session, peer, out);
    if (*error)
        return NULL;
    *error = open_batch(session, peer, out);
    if (*error)
        return NULL;
    out->place = pack_array_open(&out->batch);
    out->count = 0;
    out->kind = kind;
    return out;
}

static int batched(struct session *session, uint32_t peer, struct outgoing *out)
{
    out->count++;
    if (out->batch.failed)
        return -ENOMEM;
    bool full = out->batch.length >= session->host->batch || out->places.count > out->pieces_most;
    return full ? send_batch(session, peer, out) : 0;
}

int session_frame(struct session *session, uint32_t peer, const struct frame *frame)
{
    int error;
    struct outgoing *out = batch_to(session, peer, TAPLINE_PACKETS, &error);
    if (!out)
        return error;
    frame_pack(&out->batch, frame, &out->places);
    return batched(session, peer, out);
}

int session_clock(struct session *session, uint32_t peer, int64_t time_ns)
{
    int error;
    struct outgoing *out = batch_to(session, peer, TAPLINE_PACKETS, &error);
    if (!out)
        return error;
    frame_pack_clock(&out->batch, time_ns);
    return batched(session, peer, out);
}

int session_send(struct session *session, uint32_t peer, enum tapline_kind kind,
                 struct buffer *message)
{
    struct outgoing *out = outgoing_to(session, peer);
    int rc = out ? session_begin(session, peer) : -ENOMEM;
    if (!rc)
        rc = send_batch(session, peer, out);
    if (!rc)
        rc = deliver(session, peer, kind, message);
    return rc;
}

bool session_control(struct session *session, uint32_t peer, enum tapline_kind kind,
                     struct buffer *message)
{
    struct link *link = peers_control(session->host->peers, peer);
    struct message_head head = session->head;
    head.kind = kind;
    if (!link || link_flush(link, 0) != 0)
        return false;
    int rc = link_send(link, &head, message, 0);
    return rc == 0 || rc == ERR_AGAIN;
}

/* Nothing here may wait: what cannot leave is forgotten, which costs work but no result. */
static void send_demands(struct session *session, uint32_t peer, struct outgoing *out)
{
    struct buffer *message = demands_take(&out->demands);
    if (message)
        session_control(session, peer, TAPLINE_DEMAND, message);
}

int session_flush(struct session *session)
{
    int rc = 0;
    for (uint32_t i = 0; i < session->outgoing_count && !rc; i++) {
        rc = send_batch(session, i + 1, &session->outgoing[i]);
        send_demands(session, i + 1, &session->outgoing[i]);
    }
    return rc;
}

/* Waits for a moment. Others mostly have enough to do; after one they get what they may lack. */
static int await_piece(struct session *session)
{
    const struct session_host *host = session->host;
    int64_t before = host->now();
    int rc = session->starved_ns ? session_flush(session) : 0;
    session->starved_ns = session->starved_ns ? session->starved_ns : before;
    if (!rc)
        rc = host->wait(host->context);
    if (!rc)
        rc = session_check(session);
    if (!rc && is_over(session, session->starved_ns))
        rc = lost(session, "nobody was done with what was read for %d s",
                  (int)(host->stall_ns / 1000000000));
    vital_add(&bus_vitals(host->bus)->blocked_ns, (uint64_t)(host->now() - before));
    return rc;
}

uint8_t *session_take_piece(struct session *session, struct stock *stock, int *error)
{
    uint8_t *piece = stock_take(stock);
    *error = piece ? 0 : await_piece(session);
    if (!piece && !*error && !(piece = stock_take(stock)))
        *error = ERR_AGAIN;
    session->starved_ns = piece ? 0 : session->starved_ns;
    return piece;
}

/* Waits until there is such a peer: the roster may be late, or another worker about to join. For a
 * sink that is gone nobody waits: the attempt has no other. */
static int wanted_peer(struct session *session, enum tapline_role role, uint32_t *peer)
{
    int64_t deadline = session->host->now() + PEER_WAIT_NS;
    int rc = 0;
    while (!rc) {
        *peer = role == TAPLINE_SINK ? peers_find(session->host->peers, session->capture.sink)
                                     : peers_choose(session->host->peers, role);
        if (*peer && peers_live(session->host->peers, *peer))
            return 0;
        if (peers_lost(session->host->peers, *peer))
            return lost_peer(session, *peer);
        rc = session->host->wait(session->host->context);
        if (!rc && session->host->now() >= deadline)
            rc = lost(session, "there is no %s", role_name(role));
    }
    *peer = 0;
    return rc;
}

static int hand_on(void *context, enum tapline_role to, outlet_route *route,
                   const struct event *event)
{
    struct session *session = context;
    int rc = *route ? 0 : wanted_peer(session, to, route);
    struct outgoing *out = rc ? NULL : batch_to(session, *route, TAPLINE_EVENTS, &rc);
    if (!out)
        return rc;
    event_pack(&out->batch, event, &out->places);
    return batched(session, *route, out);
}

static void hand_back(void *context, uint32_t from, const struct demand *demand)
{
    struct session *session = context;
    struct outgoing *out = from ? outgoing_to(session, from) : NULL;
    if (out && demands_add(&out->demands, demand))
        send_demands(session, from, out);
}

static int tally(void *context, const struct buffer *map)
{
    struct session *session = context;
    uint32_t peer;
    int rc = wanted_peer(session, TAPLINE_SINK, &peer);
    /* The tally closes the books: everything else must be on its way before it. */
    if (!rc)
        rc = session_flush(session);
    if (rc)
        return rc;
    struct buffer message = {0};
    message_open(&message);
    buffer_append(&message, map->bytes, map->length);
    rc = session_send(session, peer, TAPLINE_TALLY, &message);
    buffer_free(&message);
    return rc;
}

static int send_mark_to(struct session *session, uint32_t peer, const struct mark *mark)
{
    struct buffer message = {0};
    message_open(&message);
    mark_pack(&message, mark);
    int rc = session_send(session, peer, TAPLINE_MARK, &message);
    buffer_free(&message);
    return rc;
}

/* A worker that is leaving would stay for as long as something comes. */
static int send_mark(void *context, const struct mark *mark)
{
    struct session *session = context;
    const struct peers *peers = session->host->peers;
    struct mark own = *mark, further = *mark;
    uint32_t sink;
    int rc = wanted_peer(session, TAPLINE_SINK, &sink);
    further.hops++;
    for (uint32_t peer = 1; peer <= session->outgoing_count && !rc; peer++) {
        bool fed = session->outgoing[peer - 1].begun && peer != sink;
        if (fed && peers_stays(peers, peer)) {
            rc = send_mark_to(session, peer, &further);
            own.branches++;
        } else if (fed && peers_live(peers, peer)) {
            own.kept_ns = INT64_MIN;
        }
    }
    return rc ? rc : send_mark_to(session, sink, &own);
}

static int tell(void *context, enum tapline_kind kind, const struct buffer *body)
{
    struct session *session = context;
    struct message_head head = session->head;
    head.kind = kind;
    return herald_tell(session->herald, &head, body);
}

void session_free(struct session **session)
{
    if (!*session)
        return;
    for (uint32_t i = 0; i < (*session)->outgoing_count; i++) {
        buffer_free(&(*session)->outgoing[i].batch);
        demands_free(&(*session)->outgoing[i].demands);
    }
    herald_free(&(*session)->herald);
    vital_subtract(&bus_vitals((*session)->host->bus)->flows, (*session)->flows);
    sharing_free(&(*session)->sharing);
    free((*session)->outgoing);
    free((*session)->document);
    free(*session);
    *session = NULL;
}
