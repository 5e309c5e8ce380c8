/* The roster as a worker knows it, over many captures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/bus/peers.h"
#include "common/wire/pack.h"
#include "common/wire/presence.h"

#define SECOND INT64_C(1000000000)

enum { WORKER_ID = 1, LOBBY_ID = 2, FIRST_READER = 100, READERS = 50 };

static void put(struct buffer *roster, enum tapline_role role, uint64_t sender)
{
    pack_array(roster, 6);
    pack_uint(roster, role);
    pack_uint(roster, sender);
    pack_uint(roster, 1);
    pack_str(roster, "somebody");
    pack_str(roster, "");
    pack_str(roster, "");
}

/* A roster of the worker, where it is there, and of one reader, as a lobby sends it. */
static void hear_from(struct peers *peers, uint64_t lobby, bool worker, uint64_t reader,
                      int64_t now_ns)
{
    const struct message_head head = {.sender = lobby};
    struct buffer roster = {0};
    pack_array(&roster, worker ? 2 : 1);
    if (worker)
        put(&roster, TAPLINE_CLASSIFIER, WORKER_ID);
    put(&roster, TAPLINE_READER, reader);
    struct unpack from = unpack_over(roster.bytes, roster.length);
    assert_int_equal(peers_update(peers, &head, &from, now_ns), 0);
    buffer_free(&roster);
}

static void hear(struct peers *peers, uint64_t reader)
{
    hear_from(peers, LOBBY_ID, true, reader, 0);
}

static void readers_come_and_go_and_leave_nothing_behind(void **state)
{
    (void)state;
    int error;
    struct bus *bus = bus_new(&error);
    struct peers *peers = peers_new(bus, 2);
    uint32_t worker = 0;
    for (uint64_t reader = FIRST_READER; reader < FIRST_READER + READERS; reader++) {
        hear(peers, reader);
        worker = worker ? worker : peers_find(peers, WORKER_ID);
        assert_int_equal(peers_find(peers, WORKER_ID), worker);
        assert_true(peers_serves(peers, worker, TAPLINE_CLASSIFIER));
        assert_in_range(peers_find(peers, reader), 1, 3);
        assert_true(peers_serves(peers, peers_find(peers, reader), TAPLINE_READER));
        assert_int_equal(peers_count(peers, TAPLINE_READER), 1);
    }
    peers_free(&peers, 0);
    bus_free(&bus);
}

static void a_new_lobby_strikes_nobody_out_for_five_seconds(void **state)
{
    (void)state;
    struct peers *peers = peers_new(NULL, 2);
    hear(peers, FIRST_READER);
    uint32_t worker = peers_find(peers, WORKER_ID);
    hear_from(peers, LOBBY_ID + 1, false, FIRST_READER, 10 * SECOND);
    assert_true(peers_live(peers, worker));
    hear_from(peers, LOBBY_ID + 1, false, FIRST_READER, 14 * SECOND);
    assert_true(peers_live(peers, worker));
    hear_from(peers, LOBBY_ID + 1, false, FIRST_READER, 15 * SECOND);
    assert_false(peers_live(peers, worker));
    peers_free(&peers, 0);
}

static void who_has_parted_gets_no_new_work(void **state)
{
    (void)state;
    static const uint8_t taken[] = {0x91, 7};
    struct peers *peers = peers_new(NULL, 2);
    hear(peers, FIRST_READER);
    uint32_t worker = peers_find(peers, WORKER_ID);
    assert_int_equal(peers_choose(peers, TAPLINE_CLASSIFIER), worker);
    struct unpack body = unpack_over(taken, sizeof taken);
    assert_int_equal(peers_parted(peers, WORKER_ID, &body), 0);
    assert_int_equal(peers_choose(peers, TAPLINE_CLASSIFIER), 0);
    assert_int_equal(peers_count(peers, TAPLINE_CLASSIFIER), 0);
    assert_true(peers_live(peers, worker));                 /* what it has, it still does; */
    assert_false(peers_left_in_order(peers, worker)); /* seven messages were never sent to it */
    peers_free(&peers, 0);
}

/* A roster of one classifier in some state, or of nobody. */
static void hear_of(struct peers *peers, bool listed, enum tapline_presence state, int64_t now_ns)
{
    const struct message_head head = {.sender = LOBBY_ID};
    const struct presence worker = {.role = TAPLINE_CLASSIFIER,
                                    .sender = WORKER_ID,
                                    .epoch = 1,
                                    .state = state,
                                    .name = "classifier-1",
                                    .data = "ipc:///nowhere/data"};
    struct buffer roster = {0};
    pack_array(&roster, listed);
    if (listed)
        presence_pack(&roster, &worker);
    struct unpack from = unpack_over(roster.bytes, roster.length);
    assert_int_equal(peers_update(peers, &head, &from, now_ns), 0);
    buffer_free(&roster);
}

static void send_something(struct peers *peers, uint32_t worker)
{
    const struct message_head head = {.kind = TAPLINE_EVENTS};
    struct buffer message = {0};
    message_open(&message);
    pack_array(&message, 0);
    link_send(peers_data(peers, worker), &head, &message, 0);
    buffer_free(&message);
}

static void a_leavers_last_word_is_waited_for(void **state)
{
    (void)state;
    for (int comes = 0; comes <= 1; comes++) {
        int error;
        struct bus *bus = bus_new(&error);
        struct peers *peers = peers_new(bus, 2);
        hear_of(peers, true, TAPLINE_HERE, SECOND);
        uint32_t worker = peers_find(peers, WORKER_ID);
        send_something(peers, worker);
        hear_of(peers, true, TAPLINE_LEAVING, 2 * SECOND);
        hear_of(peers, false, TAPLINE_GONE, 3 * SECOND);
        assert_true(peers_live(peers, worker));
        struct buffer last = {0};
        pack_array(&last, 1);
        pack_uint(&last, link_sequence(peers_data(peers, worker)));
        struct unpack body = unpack_over(last.bytes, last.length);
        if (comes)
            assert_int_equal(peers_parted(peers, WORKER_ID, &body), 0);
        buffer_free(&last);
        hear_of(peers, false, TAPLINE_GONE, 6 * SECOND);
        assert_int_equal(peers_live(peers, worker), !comes);
        hear_of(peers, false, TAPLINE_GONE, 8 * SECOND);
        assert_false(peers_live(peers, worker));
        assert_int_equal(peers_left_in_order(peers, worker), comes);
        peers_free(&peers, 0);
        bus_free(&bus);
    }
}

static void who_is_long_gone_is_forgotten(void **state)
{
    (void)state;
    const int64_t later = 3600 * SECOND;
    struct peers *peers = peers_new(NULL, 2);
    hear_of(peers, true, TAPLINE_HERE, SECOND);
    uint32_t worker = peers_find(peers, WORKER_ID);
    hear_of(peers, false, TAPLINE_GONE, 2 * SECOND);
    peers_forget(peers, 2 * SECOND);
    assert_int_equal(peers_find(peers, WORKER_ID), worker); /* it may come back yet */
    hear_of(peers, false, TAPLINE_GONE, later);
    peers_forget(peers, SECOND); /* an attempt of that time is still under way */
    assert_int_equal(peers_find(peers, WORKER_ID), worker);
    peers_forget(peers, later);
    assert_int_equal(peers_find(peers, WORKER_ID), 0);
    hear_from(peers, LOBBY_ID, false, FIRST_READER, later); /* the slot is used again */
    assert_int_equal(peers_find(peers, FIRST_READER), worker);
    peers_free(&peers, 0);
}

static void nobody_is_known_by_no_id(void **state)
{
    (void)state;
    struct peers *peers = peers_new(NULL, 2);
    const struct message_head head = {.kind = TAPLINE_EVENTS, .sequence = 1};
    hear(peers, FIRST_READER);
    uint32_t slots = peers_slots(peers);
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_GAP);
    assert_int_equal(peers_find(peers, 0), 0);
    assert_int_equal(peers_slots(peers), slots);
    peers_free(&peers, 0);
}

static void only_who_was_on_a_roster_can_lose_a_message(void **state)
{
    (void)state;
    struct peers *peers = peers_new(NULL, 2);
    struct message_head head = {.kind = TAPLINE_EVENTS, .sender = FIRST_READER, .sequence = 1};
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_NEXT);
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_UNKNOWN);
    hear(peers, FIRST_READER);
    assert_int_equal(peers_sequence(peers, &head), SEQUENCE_GAP);
    peers_free(&peers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_come_and_go_and_leave_nothing_behind),
        cmocka_unit_test(a_new_lobby_strikes_nobody_out_for_five_seconds),
        cmocka_unit_test(who_has_parted_gets_no_new_work),
        cmocka_unit_test(a_leavers_last_word_is_waited_for),
        cmocka_unit_test(who_is_long_gone_is_forgotten),
        cmocka_unit_test(nobody_is_known_by_no_id),
        cmocka_unit_test(only_who_was_on_a_roster_can_lose_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
