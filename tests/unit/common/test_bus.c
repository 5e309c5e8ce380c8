/* One process: how many others it can be connected to, and what it tells of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "common/bus/link.h"
#include "common/wire/unpack.h"

#define SECOND INT64_C(1000000000)

/* More than ZeroMQ's own limit, and than the descriptors that a process usually begins with. */
enum { PEERS = 1500 };

static void a_process_may_have_many_peers(void **state)
{
    (void)state;
    static struct link *links[PEERS];
    struct rlimit files;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_max < 3 * PEERS)
        skip();
    files.rlim_cur = 1024;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    int error;
    struct bus *bus = bus_new(&error);
    for (int i = 0; i < PEERS; i++) {
        links[i] = link_new(bus, "ipc:///nowhere/inbox", "", 2, &error);
        assert_non_null(links[i]);
    }
    for (int i = 0; i < PEERS; i++)
        link_free(&links[i], 0);
    bus_free(&bus);
}

/* A number of the map that is announced at some moment. */
static uint64_t figure(struct vitals *vitals, struct vitals_beat *beat, int64_t now_ns,
                       const char *name)
{
    struct buffer map = {0};
    uint64_t value = UINT64_MAX;
    vitals_pack(vitals, beat, now_ns, &map);
    struct unpack from = unpack_over(map.bytes, map.length);
    for (uint32_t left = unpack_map(&from); left > 0; left--) {
        struct slice key = unpack_str(&from);
        if (key.length == strlen(name) && memcmp(key.bytes, name, key.length) == 0)
            value = unpack_uint(&from);
        else
            unpack_skip(&from);
    }
    assert_int_equal(from.error, 0);
    assert_ptr_equal(from.at, from.end);
    buffer_free(&map);
    return value;
}

static void rates_are_those_of_the_last_second(void **state)
{
    (void)state;
    struct vitals vitals = {0};
    struct vitals_beat beat = {0};
    assert_int_equal(figure(&vitals, &beat, 7 * SECOND, "rate_in"), 0);
    vital_add(&vitals.bytes_in, 3000);
    assert_int_equal(figure(&vitals, &beat, 9 * SECOND, "rate_in"), 1500);
    vital_add(&vitals.bytes_in, 1000); /* an announcement out of turn leaves the rate as it is */
    assert_int_equal(figure(&vitals, &beat, 9 * SECOND + 1000, "rate_in"), 1500);
    assert_int_equal(figure(&vitals, &beat, 10 * SECOND, "rate_in"), 1000);
    assert_int_equal(figure(&vitals, &beat, 11 * SECOND, "rate_in"), 0);
    assert_int_equal(figure(&vitals, &beat, 12 * SECOND, "bytes_in"), 4000);
}

static void lag_is_the_longest_since_the_last_word(void **state)
{
    (void)state;
    struct vitals vitals = {0};
    struct vitals_beat beat = {0};
    vital_raise(&vitals.lag_ns, 5);
    vital_raise(&vitals.lag_ns, 9);
    vital_raise(&vitals.lag_ns, 7);
    assert_int_equal(figure(&vitals, &beat, SECOND, "lag_ns"), 9);
    assert_int_equal(figure(&vitals, &beat, 2 * SECOND, "lag_ns"), 0);
}

static void what_a_link_has_taken_waits_until_it_has_left(void **state)
{
    (void)state;
    int error;
    struct bus *bus = bus_new(&error);
    struct link *link = link_new(bus, "ipc:///nowhere/inbox", "", 2, &error);
    const struct message_head head = {.kind = TAPLINE_EVENTS};
    struct buffer message = {0};
    message_open(&message);
    buffer_append(&message, "body", 4);
    assert_int_equal(link_send(link, &head, &message, 0), 0);
    assert_true(vital_get(&bus_vitals(bus)->queue_bytes) > 4);
    link_free(&link, 0);
    bus_free(&bus); /* gives the bytes back: a sanitizer would say otherwise */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_may_have_many_peers),
        cmocka_unit_test(rates_are_those_of_the_last_second),
        cmocka_unit_test(lag_is_the_longest_since_the_last_word),
        cmocka_unit_test(what_a_link_has_taken_waits_until_it_has_left),
    };
    return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
