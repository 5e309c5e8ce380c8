/* The clocks of pcapng interfaces: every resolution, and times that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stages/reader/pcapng_time.h"

static int64_t ns(unsigned resolution, int64_t offset, uint64_t stamp)
{
    struct pcapng_time clock = pcapng_time_of((uint8_t)resolution, offset);
    return pcapng_time_ns(&clock, stamp);
}

static void counts_in_powers_of_ten(void **state)
{
    (void)state;
    assert_int_equal(ns(0, 0, 3), 3000000000);
    assert_int_equal(ns(3, 0, 3), 3000000);
    assert_int_equal(ns(6, 0, 1700000000123456), 1700000000123456000);
    assert_int_equal(ns(9, 0, 1700000000123456789), 1700000000123456789);
    assert_int_equal(ns(10, 0, 19), 1);
    assert_int_equal(ns(12, 0, 5000000000001), 5000000000);
    assert_int_equal(ns(28, 0, UINT64_MAX), 1);
    assert_int_equal(ns(29, 0, UINT64_MAX), 0);
    assert_int_equal(ns(127, 0, UINT64_MAX), 0);
}

static void counts_in_powers_of_two(void **state)
{
    (void)state;
    assert_int_equal(ns(0x80, 0, 3), 3000000000);
    assert_int_equal(ns(0x80 + 1, 0, 3), 1500000000);
    assert_int_equal(ns(0x80 + 20, 0, 1048576 * 7 + 524288), 7500000000);
    assert_int_equal(ns(0x80 + 32, 0, 1ull << 32), 1000000000);
    assert_int_equal(ns(0x80 + 64, 0, UINT64_MAX), 999999999);
    assert_int_equal(ns(0xff, 0, UINT64_MAX), 0);
}

static void adds_the_offset(void **state)
{
    (void)state;
    assert_int_equal(ns(6, 1700000000, 5), 1700000000000005000);
    assert_int_equal(ns(6, -10, 5), -9999995000);
    assert_int_equal(ns(0x80, -1, 0), -1000000000);
}

static void stays_within_64_bits(void **state)
{
    (void)state;
    assert_int_equal(ns(0, 0, UINT64_MAX), INT64_MAX);
    assert_int_equal(ns(6, INT64_MAX, UINT64_MAX), INT64_MAX);
    assert_int_equal(ns(0x80, INT64_MAX, UINT64_MAX), INT64_MAX);
    assert_int_equal(ns(6, INT64_MIN, 0), INT64_MIN);
    assert_int_equal(ns(9, 0, INT64_MAX), INT64_MAX);
    assert_int_equal(ns(9, -9223372037, UINT64_MAX), 9223372036709551615);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_in_powers_of_ten),
        cmocka_unit_test(counts_in_powers_of_two),
        cmocka_unit_test(adds_the_offset),
        cmocka_unit_test(stays_within_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
