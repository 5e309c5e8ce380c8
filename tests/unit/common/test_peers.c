/* The roster as a worker knows it, over many captures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/bus/peers.h"
#include "common/wire/pack.h"

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

static void a_worker_that_is_gone_keeps_its_number(void **state)
{
    (void)state;
    int error;
    struct bus *bus = bus_new(&error);
    struct peers *peers = peers_new(bus, 2);
    hear(peers, FIRST_READER);
    uint32_t worker = peers_find(peers, WORKER_ID);
    hear_from(peers, LOBBY_ID, false, FIRST_READER, 0);
    assert_false(peers_live(peers, worker));
    hear(peers, FIRST_READER + 1);
    assert_int_equal(peers_find(peers, WORKER_ID), worker);
    peers_free(&peers, 0);
    bus_free(&bus);
}

static void a_new_lobby_strikes_nobody_out_for_five_seconds(void **state)
{
    (void)state;
    const int64_t second = 1000000000;
    struct peers *peers = peers_new(NULL, 2);
    hear(peers, FIRST_READER);
    uint32_t worker = peers_find(peers, WORKER_ID);
    hear_from(peers, LOBBY_ID + 1, false, FIRST_READER, 10 * second);
    assert_true(peers_live(peers, worker));
    hear_from(peers, LOBBY_ID + 1, false, FIRST_READER, 14 * second);
    assert_true(peers_live(peers, worker));
    hear_from(peers, LOBBY_ID + 1, false, FIRST_READER, 15 * second);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_come_and_go_and_leave_nothing_behind),
        cmocka_unit_test(a_worker_that_is_gone_keeps_its_number),
        cmocka_unit_test(a_new_lobby_strikes_nobody_out_for_five_seconds),
        cmocka_unit_test(who_has_parted_gets_no_new_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
