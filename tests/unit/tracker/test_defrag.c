/* Datagrams out of fragments that come in any order, twice, cut, too long, or never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "stages/tracker/defrag.h"
#include "stages/tracker/moment.h"

enum { LIMIT = 4000, LENGTH = 100 };
#define SECOND MOMENT_SECONDS(1)

static struct defrag *defrag;
static struct counters counters;
static uint8_t datagram[LENGTH]; /* UDP, of LENGTH bytes with its header */
static struct packet p;
static int64_t now, clock_ns;

static int open_defrag(void **state)
{
    (void)state;
    static const uint8_t header[8] = {3, 232, 7, 208, 0, LENGTH, 0, 0};
    for (int i = 0; i < LENGTH; i++)
        datagram[i] = (uint8_t)i;
    memcpy(datagram, header, sizeof header);
    counters = (struct counters){0};
    now = 1000 * SECOND;
    clock_ns = 0;
    defrag = defrag_new(1, LIMIT);
    return defrag ? 0 : -1;
}

static int close_defrag(void **state)
{
    (void)state;
    defrag_free(&defrag);
    return 0;
}

static int add_bytes(int version, uint32_t id, uint32_t offset, const uint8_t *bytes,
                     uint32_t captured, uint32_t length, bool more)
{
    static const uint8_t address[16] = {192, 0, 2, 1};
    p = (struct packet){.kind = PACKET_UDP, .version = (uint8_t)version, .protocol = 17};
    p.source = p.destination = address_from(address, version == 4 ? 4 : 16);
    p.fragment = true;
    p.more = more;
    p.fragment_next = 17;
    p.fragment_id = id;
    p.fragment_offset = (uint16_t)offset;
    p.body = (struct extent){.bytes = bytes, .captured = captured, .length = length};
    return defrag_add(defrag, &p, now, clock_ns, &counters);
}

/* Adds [offset, end) of the datagram. */
static int add(uint32_t offset, uint32_t end)
{
    uint32_t length = end - offset;
    return add_bytes(4, 7, offset, datagram + offset, length, length, end < LENGTH);
}

static void assert_whole(uint32_t captured)
{
    assert_true(p.sound);
    assert_false(p.fragment);
    assert_int_equal(p.source_port, 1000);
    assert_int_equal(p.payload.length, LENGTH - 8);
    assert_int_equal(p.payload.captured, captured - 8);
    assert_memory_equal(p.payload.bytes, datagram + 8, captured - 8);
}

static void test_in_any_order(void **state)
{
    (void)state;
    static const uint32_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {1, 0, 2}};
    static const uint32_t edges[] = {0, 32, 64, LENGTH};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        for (int n = 0; n < 3; n++) {
            uint32_t part = orders[i][n];
            assert_int_equal(add(edges[part], edges[part + 1]),
                             n == 2 ? DEFRAG_WHOLE : DEFRAG_WAITS);
            if (n == 2)
                assert_whole(LENGTH);
        }
    assert_int_equal(counters.datagrams_restored, 4);
    assert_int_equal(counters.datagrams_incomplete, 0);
}

static void test_first_copy_stays(void **state)
{
    (void)state;
    uint8_t other[LENGTH];
    memset(other, 0xff, sizeof other);
    assert_int_equal(add(32, 64), DEFRAG_WAITS);
    assert_int_equal(add_bytes(4, 7, 24, other + 24, 48, 48, true), DEFRAG_WAITS); /* 24 to 72 */
    assert_int_equal(add(0, 64), DEFRAG_WAITS);
    assert_int_equal(add(64, LENGTH), DEFRAG_WHOLE);
    assert_int_equal(p.payload.bytes[24 - 8], 0xff);
    assert_int_equal(p.payload.bytes[32 - 8], 32);
    assert_int_equal(p.payload.bytes[64 - 8], 0xff);
    assert_int_equal(p.payload.bytes[72 - 8], 72);
}

static void test_ipv6_protocol_is_the_first_fragment_s(void **state)
{
    (void)state;
    /* Destination options stand before the UDP header, in the first fragment. */
    uint8_t bytes[8 + LENGTH] = {17, 0, 1, 4, 0, 0, 0, 0};
    memcpy(bytes + 8, datagram, LENGTH);
    assert_int_equal(add_bytes(6, 7, 64, bytes + 64, sizeof bytes - 64, sizeof bytes - 64, false),
                     DEFRAG_WAITS);
    p.fragment_offset = 0;
    p.fragment_next = 60;
    p.more = true;
    p.body = (struct extent){.bytes = bytes, .captured = 64, .length = 64};
    assert_int_equal(defrag_add(defrag, &p, now, clock_ns, &counters), DEFRAG_WHOLE);
    assert_int_equal(p.kind, PACKET_UDP);
    assert_whole(LENGTH);
}

static void test_datagrams_are_kept_apart(void **state)
{
    (void)state;
    assert_int_equal(add_bytes(4, 7, 0, datagram, 64, 64, true), DEFRAG_WAITS);
    assert_int_equal(add_bytes(4, 8, 64, datagram + 64, 36, 36, false), DEFRAG_WAITS);
    assert_int_equal(add_bytes(6, 7, 64, datagram + 64, 36, 36, false), DEFRAG_WAITS);
    assert_int_equal(add(64, LENGTH), DEFRAG_WHOLE);
    defrag_end(defrag, &counters);
    assert_int_equal(counters.datagrams_incomplete, 2);
}

static void test_snapped_fragment(void **state)
{
    (void)state;
    assert_int_equal(add_bytes(4, 7, 0, datagram, 50, 64, true), DEFRAG_WAITS);
    assert_int_equal(add(64, LENGTH), DEFRAG_WHOLE);
    assert_whole(50);
}

static void test_malformed(void **state)
{
    (void)state;
    assert_int_equal(add_bytes(4, 7, 0, datagram, 20, 20, true), DEFRAG_WAITS); /* within a unit */
    assert_int_equal(add_bytes(4, 7, 65528, datagram, 8, 8, true), DEFRAG_WAITS); /* too long */
    assert_int_equal(add_bytes(4, 7, 8, datagram, 0, 0, false), DEFRAG_WAITS);    /* empty */
    assert_int_equal(counters.fragments_malformed, 3);
    assert_int_equal(add(64, LENGTH), DEFRAG_WAITS);
    assert_int_equal(add_bytes(4, 7, 96, datagram, 8, 8, true), DEFRAG_WAITS); /* behind the end */
    assert_int_equal(add_bytes(4, 7, 64, datagram, 30, 30, false), DEFRAG_WAITS); /* another end */
    assert_int_equal(counters.fragments_malformed, 5);
    assert_int_equal(add(0, 64), DEFRAG_WHOLE);
    assert_whole(LENGTH);
}

static void test_last_fragment_before_others(void **state)
{
    (void)state;
    assert_int_equal(add_bytes(4, 7, 64, datagram, 64, 64, true), DEFRAG_WAITS);
    assert_int_equal(add_bytes(4, 7, 8, datagram, 8, 8, false), DEFRAG_WAITS);
    assert_int_equal(counters.fragments_malformed, 1);
}

static void test_limit(void **state)
{
    (void)state;
    static const uint8_t zeros[LIMIT];
    assert_int_equal(add_bytes(4, 7, LIMIT - 8, zeros, 16, 16, true), DEFRAG_WAITS);
    assert_int_equal(add(0, 64), DEFRAG_WAITS);
    assert_int_equal(add(64, LENGTH), DEFRAG_WAITS);
    assert_int_equal(counters.datagrams_over_limit, 1);
    defrag_end(defrag, &counters);
    assert_int_equal(counters.datagrams_incomplete, 0);
}

static void test_lifetime_by_own_times(void **state)
{
    (void)state;
    assert_int_equal(add(0, 64), DEFRAG_WAITS);
    now += 30 * SECOND;
    assert_int_equal(add(64, LENGTH), DEFRAG_WHOLE);
    assert_int_equal(add(0, 64), DEFRAG_WAITS);
    now += 30 * SECOND + 1;
    assert_int_equal(add(64, LENGTH), DEFRAG_WAITS);
    assert_int_equal(counters.datagrams_incomplete, 1);
}

static void test_lifetime_by_the_clock(void **state)
{
    (void)state;
    assert_int_equal(add(0, 64), DEFRAG_WAITS);
    clock_ns = now + 31 * SECOND; /* nobody called defrag_expire: it counts all the same */
    assert_int_equal(add(64, LENGTH), DEFRAG_WAITS);
    assert_int_equal(counters.datagrams_incomplete, 1);
    clock_ns += 31 * SECOND;
    defrag_expire(defrag, clock_ns, &counters);
    assert_int_equal(counters.datagrams_incomplete, 2);
}

static void test_many(void **state)
{
    (void)state;
    for (uint32_t id = 0; id < 3000; id++)
        assert_int_equal(add_bytes(6, id, 0, datagram, 64, 64, true), DEFRAG_WAITS);
    for (uint32_t id = 0; id < 3000; id++)
        assert_int_equal(add_bytes(6, id, 64, datagram + 64, 36, 36, false), DEFRAG_WHOLE);
    assert_int_equal(counters.datagrams_incomplete, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_defrag, close_defrag)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_in_any_order),
        TEST(test_first_copy_stays),
        TEST(test_ipv6_protocol_is_the_first_fragment_s),
        TEST(test_datagrams_are_kept_apart),
        TEST(test_snapped_fragment),
        TEST(test_malformed),
        TEST(test_last_fragment_before_others),
        TEST(test_limit),
        TEST(test_lifetime_by_own_times),
        TEST(test_lifetime_by_the_clock),
        TEST(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
