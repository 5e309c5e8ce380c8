/* The roster as a worker knows it, over many captures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/bus/peers.h"
#include "common/wire/pack.h"

enum { WORKER_ID = 1, FIRST_READER = 100, READERS = 50 };

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

/* A roster of the worker and of one reader. */
static void hear(struct peers *peers, uint64_t reader)
{
    struct buffer roster = {0};
    pack_array(&roster, 2);
    put(&roster, TAPLINE_CLASSIFIER, WORKER_ID);
    put(&roster, TAPLINE_READER, reader);
    struct unpack from = unpack_over(roster.bytes, roster.length);
    assert_int_equal(peers_update(peers, &from), 0);
    buffer_free(&roster);
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
    const char *last;
    assert_int_equal(peers_lost(peers, &last), 0);
    peers_free(&peers, false);
    bus_free(&bus);
}

static void a_worker_that_is_gone_keeps_its_number(void **state)
{
    (void)state;
    static const uint8_t nobody[] = {0x90};
    int error;
    struct bus *bus = bus_new(&error);
    struct peers *peers = peers_new(bus, 2);
    hear(peers, FIRST_READER);
    uint32_t worker = peers_find(peers, WORKER_ID);
    struct unpack from = unpack_over(nobody, sizeof nobody);
    assert_int_equal(peers_update(peers, &from), 0);
    assert_false(peers_live(peers, worker));
    hear(peers, FIRST_READER + 1);
    assert_int_equal(peers_find(peers, WORKER_ID), worker);
    peers_free(&peers, false);
    bus_free(&bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_come_and_go_and_leave_nothing_behind),
        cmocka_unit_test(a_worker_that_is_gone_keeps_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
