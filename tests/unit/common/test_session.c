/* A session between two ends of a real bus: batches, order, the document first, full queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/bus/inbox.h"
#include "common/bus/session.h"
#include "common/wire/pack.h"
#include "common/wire/presence.h"

struct rig {
    char folder[32];
    struct bus *bus;
    struct inbox *inbox; /* the sink's */
    struct peers *peers;
    struct session_host host;
    struct session *session;
    int waits; /* how often a full queue was waited on */
    bool drain; /* take a message at each wait */
    uint64_t drained;
    struct stock *stock;
    uint64_t leaving;    /* the sender id of a worker that leaves; 0: nobody does */
    const uint8_t *used; /* a piece of it, which is given back at the second wait; NULL: none */
};

enum { WAITING = 2, READER_ID = 40, TRACKER_ID = 41, SINK_ID = 42, STRANGER_ID = 43 };

static int64_t now_ns;

/* Every look at the clock finds it three seconds later. */
static int64_t clock_of_the_host(void)
{
    return now_ns += INT64_C(3000000000);
}

static int on_wait(void *context)
{
    struct rig *rig = context;
    struct message message;
    rig->waits++;
    if (rig->used && rig->waits == 2) {
        stock_give(rig->stock, rig->used);
        rig->used = NULL;
    }
    if (rig->drain && inbox_receive(rig->inbox, &message) == 0) {
        rig->drained++;
        message_release(&message);
    }
    return !rig->drain && rig->waits > 3 ? ERR_STOPPED : 0;
}

/* Whoever is there as a roster says it, with one inbox for all of them. */
static void know(struct rig *rig, const enum tapline_role *roles, uint32_t count, uint64_t realm)
{
    struct buffer roster = {0};
    pack_array(&roster, count);
    for (uint32_t i = 0; i < count; i++) {
        struct presence one = {.role = roles[i], .sender = SINK_ID + i, .epoch = 1, .realm = realm};
        one.state = one.sender == rig->leaving ? TAPLINE_LEAVING : TAPLINE_HERE;
        snprintf(one.name, sizeof one.name, "%s-1", role_name(one.role));
        snprintf(one.data, sizeof one.data, "%s", inbox_endpoint(rig->inbox));
        presence_pack(&roster, &one);
    }
    const struct message_head lobby = {.sender = 1};
    struct unpack from = unpack_over(roster.bytes, roster.length);
    assert_int_equal(peers_update(rig->peers, &lobby, &from, 0), 0);
    buffer_free(&roster);
}

static void know_the_sink(struct rig *rig, bool live)
{
    know(rig, (const enum tapline_role[]){TAPLINE_SINK}, live, 0);
}

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    char endpoint[64];
    int error;
    snprintf(rig->folder, sizeof rig->folder, "/tmp/session-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/data", rig->folder);
    rig->bus = bus_new(&error);
    rig->inbox = inbox_new(rig->bus, endpoint, "", WAITING, &error);
    rig->peers = peers_new(rig->bus, WAITING);
    know_the_sink(rig, true);
    rig->host = (struct session_host){rig->bus, rig->peers, 4096, INT64_C(60) * 1000000000,
                                      on_wait,  rig,        clock_of_the_host};
    static const uint8_t empty[] = {0x90}, trackers[] = {0x91, TRACKER_ID};
    const struct capture capture = {.reader = READER_ID,
                                    .sink = SINK_ID,
                                    .sources = {empty, sizeof empty},
                                    .trackers = {trackers, sizeof trackers},
                                    .limits = LIMITS_DEFAULT};
    struct buffer document = {0};
    capture_pack(&document, &capture);
    const struct message_head head = {.capture = 7, .attempt = 1};
    rig->session = session_new(&rig->host, &head,
                               (struct slice){document.bytes, document.length}, &error);
    assert_non_null(rig->session);
    buffer_free(&document);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    session_free(&rig->session);
    peers_free(&rig->peers, 0);
    inbox_free(&rig->inbox);
    bus_free(&rig->bus);
    rmdir(rig->folder);
    free(rig);
    return 0;
}

/* The next message, for which a second is long enough. */
static void receive(struct rig *rig, struct message *message)
{
    zmq_pollitem_t item = {.socket = inbox_socket(rig->inbox), .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, 10000), 1);
    assert_int_equal(inbox_receive(rig->inbox, message), 0);
}

static int send_close_to(struct rig *rig, enum tapline_role role, uint64_t flow)
{
    static const uint8_t v4[] = {192, 0, 2, 1};
    struct event event = {.kind = TAPLINE_CLOSE, .flow = flow};
    event.close.figures.transport = TRANSPORT_TCP;
    event.close.figures.address[0] = event.close.figures.address[1] = address_from(v4, 4);
    outlet_route route = 0;
    return outlet_event(session_outlet(rig->session), role, &route, &event);
}

static int send_close(struct rig *rig, uint64_t flow)
{
    return send_close_to(rig, TAPLINE_SINK, flow);
}

static void the_document_comes_first_and_events_in_order(void **state)
{
    struct rig *rig = *state;
    struct message message;
    for (uint64_t flow = 1; flow <= 10; flow++)
        assert_int_equal(send_close(rig, flow), 0);
    assert_int_equal(session_flush(rig->session), 0);
    receive(rig, &message);
    assert_int_equal(message.head.kind, TAPLINE_BEGIN);
    assert_int_equal(message.head.capture, 7);
    uint64_t first = message.head.sequence;
    message_release(&message);
    receive(rig, &message);
    assert_int_equal(message.head.kind, TAPLINE_EVENTS);
    assert_int_equal(message.head.sequence, first + 1);
    assert_int_equal(unpack_array(&message.body), 10);
    for (uint64_t flow = 1; flow <= 10; flow++) {
        struct event event;
        assert_int_equal(event_unpack(&message.body, NULL, &event), 0);
        assert_int_equal(event.flow, flow);
    }
    message_release(&message);
}

static void a_batch_leaves_when_it_is_full(void **state)
{
    struct rig *rig = *state;
    struct message message;
    for (uint64_t flow = 1; flow <= 200; flow++)
        assert_int_equal(send_close(rig, flow), 0);
    receive(rig, &message);
    message_release(&message);
    receive(rig, &message); /* without any flush */
    assert_int_equal(message.head.kind, TAPLINE_EVENTS);
    uint32_t count = unpack_array(&message.body);
    assert_true(count > 10 && count < 200);
    message_release(&message);
}

static void a_full_queue_makes_the_sender_wait_and_loses_nothing(void **state)
{
    struct rig *rig = *state;
    rig->drain = true;
    uint64_t sent = 0;
    while (!rig->waits && sent < 10000000)
        assert_int_equal(send_close(rig, ++sent), 0);
    assert_true(rig->waits > 0);
    rig->drain = false;
    rig->waits = 0;
    int rc = 0;
    while (!rc && sent < 20000000)
        rc = send_close(rig, ++sent);
    assert_int_equal(rc, ERR_STOPPED); /* the host gave up */
}

static void another_kind_sends_what_was_batched_before(void **state)
{
    struct rig *rig = *state;
    struct message message;
    struct buffer map = {0};
    const struct mark mark = {0};
    pack_map(&map, 0);
    assert_int_equal(send_close(rig, 1), 0);
    assert_int_equal(outlet_mark(session_outlet(rig->session), &mark), 0);
    assert_int_equal(send_close(rig, 2), 0);
    assert_int_equal(outlet_tally(session_outlet(rig->session), &map), 0);
    buffer_free(&map);
    static const enum tapline_kind kinds[] = {TAPLINE_BEGIN, TAPLINE_EVENTS, TAPLINE_MARK,
                                              TAPLINE_EVENTS, TAPLINE_TALLY};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        receive(rig, &message);
        assert_int_equal(message.head.kind, kinds[i]);
        message_release(&message);
    }
}

/* The next messages of that kind: marks, in any order, by their hops. */
static void receive_marks(struct rig *rig, uint32_t count, struct mark marks[2])
{
    while (count) {
        struct message message;
        struct mark mark;
        receive(rig, &message);
        if (message.head.kind == TAPLINE_MARK) {
            assert_int_equal(mark_unpack(&message.body, &mark), 0);
            assert_in_range(mark.hops, 3, 4);
            marks[mark.hops - 3] = mark;
            count--;
        }
        message_release(&message);
    }
}

static void feed_classifier(struct rig *rig, outlet_route *route)
{
    const struct event gap = {.kind = TAPLINE_GAP, .gap.length = 1};
    assert_int_equal(outlet_event(session_outlet(rig->session), TAPLINE_CLASSIFIER, route, &gap),
                     0);
}

/* To all that were fed, and to the sink with how many these were; one that leaves is not kept from
 * it, but the sink learns that nothing is known. */
static void a_mark_goes_wherever_data_went(void **state)
{
    enum { WORKERS = 4 };
    static const enum tapline_role roles[WORKERS] = {TAPLINE_SINK, TAPLINE_CLASSIFIER,
                                                     TAPLINE_CLASSIFIER, TAPLINE_CLASSIFIER};
    struct rig *rig = *state;
    const struct outlet *outlet = session_outlet(rig->session);
    const struct mark mark = {.tracker = 1, .period = 9, .hops = 3, .kept_ns = 77};
    struct mark got[2];
    outlet_route routes[2] = {0};
    rig->waits = -1000; /* queues are short, and links only just opened */
    know(rig, roles, WORKERS, 0);
    feed_classifier(rig, &routes[0]);
    feed_classifier(rig, &routes[1]);
    assert_int_equal(outlet_mark(outlet, &mark), 0);
    receive_marks(rig, 3, got);
    assert_true(got[0].period == 9 && got[0].branches == 2 && got[0].kept_ns == 77);
    assert_true(got[1].period == 9 && got[1].branches == 0 && got[1].kept_ns == 77);
    rig->leaving = SINK_ID + routes[0] - 1;
    know(rig, roles, WORKERS, 0);
    assert_int_equal(outlet_mark(outlet, &mark), 0);
    receive_marks(rig, 2, got);
    assert_true(got[0].branches == 1 && got[0].kept_ns == INT64_MIN);
    assert_true(got[1].branches == 0 && got[1].kept_ns == 77);
}

static void a_sink_that_is_gone_is_not_waited_for(void **state)
{
    struct rig *rig = *state;
    rig->drain = true;
    know_the_sink(rig, false);
    assert_int_equal(send_close(rig, 1), ERR_LOST);
    assert_int_equal(rig->waits, 0);
    assert_string_equal(session_fault(rig->session), "sink-1 was lost");
}

static void another_worker_is_waited_for_but_not_for_ever(void **state)
{
    struct rig *rig = *state;
    rig->drain = true;
    assert_int_equal(send_close_to(rig, TAPLINE_EXTRACTOR, 1), ERR_LOST);
    assert_in_range(rig->waits, 2, 4);
    assert_string_equal(session_fault(rig->session), "there is no extractor");
}

static void only_who_may_ends_or_completes_an_attempt(void **state)
{
    struct rig *rig = *state;
    static const struct {
        enum tapline_kind kind;
        uint64_t sender;
        bool heeded;
    } cases[] = {
        {TAPLINE_RELEASE, READER_ID, true},  {TAPLINE_RELEASE, STRANGER_ID, false},
        {TAPLINE_PACKETS, READER_ID, true},  {TAPLINE_PACKETS, TRACKER_ID, false},
        {TAPLINE_END, STRANGER_ID, false},   {TAPLINE_WORD, SINK_ID, false},
        {TAPLINE_OUTCOME, SINK_ID, true},    {TAPLINE_OUTCOME, STRANGER_ID, false},
        {TAPLINE_ASK, READER_ID, false},     {TAPLINE_ACCEPT, SINK_ID, true},
        {TAPLINE_TALLY, READER_ID, true},    {TAPLINE_TALLY, TRACKER_ID, true},
        {TAPLINE_TALLY, STRANGER_ID, false}, {TAPLINE_EVENTS, STRANGER_ID, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct message_head head = {.kind = cases[i].kind, .sender = cases[i].sender};
        assert_int_equal(session_heeds(rig->session, &head), cases[i].heeded);
    }
}

/* A roster on which this process stands, as the so-manieth that the lobby let in. */
static void be_admitted(struct rig *rig, uint64_t admission)
{
    const struct presence self = {
        .role = TAPLINE_TRACKER, .sender = bus_sender(rig->bus), .admission = admission};
    const struct message_head lobby = {.sender = 1};
    struct buffer roster = {0};
    pack_array(&roster, 1);
    presence_pack(&roster, &self);
    struct unpack from = unpack_over(roster.bytes, roster.length);
    assert_int_equal(peers_update(rig->peers, &lobby, &from, 0), 0);
    buffer_free(&roster);
}

static void who_was_given_up_itself_gives_up_its_attempts(void **state)
{
    struct rig *rig = *state;
    be_admitted(rig, 1);
    be_admitted(rig, 1);
    assert_int_equal(session_check(rig->session), 0);
    be_admitted(rig, 2);
    assert_int_equal(session_check(rig->session), ERR_LOST);
    assert_non_null(strstr(session_fault(rig->session), "out of touch"));
}

/* A sink that is no memory of this process's reader (its realm is 0) gets the bytes. */
static void what_the_peer_cannot_read_is_sent(void **state)
{
    struct rig *rig = *state;
    struct message message;
    struct event event;
    int error;
    struct stock *stock = stock_new(&error);
    const uint8_t *piece = stock_take(stock);
    const struct event data = {.kind = TAPLINE_DATA, .data = {.bytes = piece + 10, .length = 100}};
    outlet_route route = 0;
    session_share(rig->session, stock);
    assert_int_equal(outlet_event(session_outlet(rig->session), TAPLINE_SINK, &route, &data), 0);
    assert_int_equal(session_flush(rig->session), 0);
    receive(rig, &message);
    message_release(&message);
    receive(rig, &message);
    assert_int_equal(unpack_array(&message.body), 1);
    assert_int_equal(event_unpack(&message.body, NULL, &event), 0);
    assert_int_equal(event.data.length, 100);
    message_release(&message);
    session_free(&rig->session);
    stock_free(&stock);
}

/* A sink beside them takes no pieces, and so their batches are no smaller for it. */
static void a_batch_uses_as_many_pieces_as_it_may(void **state)
{
    enum { PIECES = 13, FRAMES = 100 }; /* the last of them is one too many, and sends the batch */
    struct rig *rig = *state;
    struct message message;
    int error;
    struct stock *stock = stock_new(&error);
    outlet_route route = 0;
    session_share(rig->session, stock);
    rig->host.batch = 1024 * 1024;
    know(rig, (const enum tapline_role[]){TAPLINE_SINK, TAPLINE_CLASSIFIER}, 2,
         bus_realm(rig->bus));
    assert_int_equal(send_close(rig, 1), 0);
    assert_int_equal(session_flush(rig->session), 0);
    for (int piece = 0; piece < PIECES; piece++) {
        const uint8_t *bytes = stock_take(stock);
        for (int i = 0; i < (piece + 1 < PIECES ? FRAMES : 1); i++) {
            const struct event data = {.kind = TAPLINE_DATA,
                                       .data = {.bytes = bytes + i, .length = 100}};
            assert_int_equal(outlet_event(session_outlet(rig->session), TAPLINE_CLASSIFIER, &route,
                                          &data), 0);
        }
    }
    uint32_t most = 0, count;
    for (int i = 0; i < 4; i++) { /* both get the document, and one batch */
        receive(rig, &message);
        count = message.head.kind == TAPLINE_EVENTS ? unpack_array(&message.body) : 0;
        most = count > most ? count : most;
        message_release(&message);
    }
    assert_int_equal(most, (PIECES - 1) * FRAMES + 1);
    session_free(&rig->session);
    stock_free(&stock);
}

/* However few pieces each may use, packets still travel together. */
static void many_workers_get_batches_too(void **state)
{
    enum { WORKERS = 5, FRAMES = 20 };
    static const enum tapline_role roles[WORKERS] = {TAPLINE_CLASSIFIER, TAPLINE_CLASSIFIER,
                                                     TAPLINE_CLASSIFIER, TAPLINE_CLASSIFIER,
                                                     TAPLINE_CLASSIFIER};
    struct rig *rig = *state;
    struct message message;
    int error;
    struct stock *stock = stock_new(&error);
    const uint8_t *bytes = stock_take(stock);
    outlet_route routes[WORKERS] = {0};
    session_share(rig->session, stock);
    know(rig, roles, WORKERS, bus_realm(rig->bus));
    for (int i = 0; i < WORKERS * FRAMES; i++) {
        const struct event data = {.kind = TAPLINE_DATA, .data = {.bytes = bytes, .length = 100}};
        assert_int_equal(outlet_event(session_outlet(rig->session), TAPLINE_CLASSIFIER,
                                      &routes[i % WORKERS], &data), 0);
    }
    assert_int_equal(session_flush(rig->session), 0);
    for (int i = 0; i < 2 * WORKERS; i++) {
        receive(rig, &message);
        if (message.head.kind == TAPLINE_EVENTS)
            assert_int_equal(unpack_array(&message.body), FRAMES);
        message_release(&message);
    }
    session_free(&rig->session);
    stock_free(&stock);
}

/* While all are in use, a piece is waited for: somebody may end a use meanwhile, or nobody does. */
static void a_piece_is_waited_for_but_not_for_ever(void **state)
{
    struct rig *rig = *state;
    int error;
    struct stock *stock = stock_new(&error);
    uint8_t *piece = NULL;
    rig->stock = stock;
    for (int i = 0; i < ORIGINAL_PIECES; i++) {
        piece = session_take_piece(rig->session, stock, &error);
        assert_non_null(piece);
    }
    assert_int_equal(rig->waits, 0);
    rig->used = piece;
    rig->drain = true; /* no limit of the waits */
    assert_null(session_take_piece(rig->session, stock, &error));
    assert_int_equal(error, ERR_AGAIN);
    assert_ptr_equal(session_take_piece(rig->session, stock, &error), piece);
    assert_int_equal(rig->waits, 2);
    do
        assert_null(session_take_piece(rig->session, stock, &error));
    while (error == ERR_AGAIN);
    assert_int_equal(error, ERR_LOST);
    assert_true(rig->waits > 4);
    assert_non_null(strstr(session_fault(rig->session), "nobody was done with what was read"));
    session_free(&rig->session);
    stock_free(&stock);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_document_comes_first_and_events_in_order),
        TEST(a_batch_leaves_when_it_is_full),
        TEST(a_full_queue_makes_the_sender_wait_and_loses_nothing),
        TEST(a_sink_that_is_gone_is_not_waited_for),
        TEST(another_worker_is_waited_for_but_not_for_ever),
        TEST(only_who_may_ends_or_completes_an_attempt),
        TEST(another_kind_sends_what_was_batched_before),
        TEST(a_mark_goes_wherever_data_went),
        TEST(who_was_given_up_itself_gives_up_its_attempts),
        TEST(what_the_peer_cannot_read_is_sent),
        TEST(a_batch_uses_as_many_pieces_as_it_may),
        TEST(many_workers_get_batches_too),
        TEST(a_piece_is_waited_for_but_not_for_ever),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
