/* Stamps against the C library's own idea of the time, in zones of all sorts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/base/stamp.h"

static void stamps(const char *zone, int64_t time_ns, const char *want)
{
    char text[STAMP_LENGTH + 1] = "";
    struct stamp *stamp = stamp_new(zone, strlen(zone));
    assert_non_null(stamp);
    stamp_write(stamp, time_ns, text);
    assert_string_equal(text, want);
    stamp_free(&stamp);
    assert_null(stamp);
}

static void prints_six_digits_cut_not_rounded(void **state)
{
    (void)state;
    stamps("UTC", 0, "1970-01-01 00:00:00.000000");
    stamps("UTC", 1689346934000123999, "2023-07-14 15:02:14.000123");
    stamps("UTC", -1, "1969-12-31 23:59:59.999999");
    stamps("UTC", INT64_MAX, "2262-04-11 23:47:16.854775");
    stamps("UTC", INT64_MIN, "1677-09-21 00:12:43.145224");
    stamps("UTC", 951782400000000000, "2000-02-29 00:00:00.000000");
}

static void honours_zones_and_their_summers(void **state)
{
    (void)state;
    stamps("CST-8", 1689346934000123000, "2023-07-14 23:02:14.000123");
    stamps("Asia/Shanghai", 1689346934000123000, "2023-07-14 23:02:14.000123");
    stamps("CET-1CEST,M3.5.0,M10.5.0/3", 1679792399999999999, "2023-03-26 01:59:59.999999");
    stamps("CET-1CEST,M3.5.0,M10.5.0/3", 1679792400000000000, "2023-03-26 03:00:00.000000");
    stamps("Asia/Kathmandu", 1689346934000123000, "2023-07-14 20:47:14.000123");
    stamps("No/Such-Zone-X", 0, "1970-01-01 00:00:00.000000");
}

static void several_zones_live_side_by_side(void **state)
{
    (void)state;
    struct stamp *east = stamp_new("XXX-8", 5), *west = stamp_new("YYY+8", 5);
    char text[STAMP_LENGTH + 1] = "";
    for (int64_t hour = 0; hour < 2000; hour++) {
        int64_t time_ns = hour * 3600 * 1000000000;
        char want[64];
        for (int side = -8; side <= 8; side += 16) {
            time_t local = (time_t)(hour * 3600 + side * 3600);
            struct tm tm;
            gmtime_r(&local, &tm);
            strftime(want, sizeof want, "%Y-%m-%d %H:%M:%S.000000", &tm);
            stamp_write(side > 0 ? east : west, time_ns, text);
            assert_string_equal(text, want);
        }
    }
    stamp_free(&east);
    stamp_free(&west);
}

/* Zones once split quarters of an hour: Monrovia was 44 minutes and 30 seconds behind until '72. */
static void agrees_with_the_library_at_every_moment(void **state)
{
    (void)state;
    static const char *const zones[] = {"Africa/Monrovia", "Europe/Amsterdam",
                                        "Australia/Lord_Howe", "America/New_York"};
    uint64_t seed = 7;
    for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
        struct stamp *stamp = stamp_new(zones[z], strlen(zones[z]));
        setenv("TZ", zones[z], 1);
        tzset();
        for (int i = 0; i < 20000; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            time_t when = (time_t)(seed >> 32) - 2000000000;
            char text[STAMP_LENGTH + 1] = "", want[64];
            struct tm tm;
            stamp_write(stamp, (int64_t)when * 1000000000, text);
            localtime_r(&when, &tm);
            strftime(want, sizeof want, "%Y-%m-%d %H:%M:%S.000000", &tm);
            assert_string_equal(text, want);
        }
        stamp_free(&stamp);
    }
}

static void refuses_names_that_no_zone_has(void **state)
{
    (void)state;
    char longest[300];
    memset(longest, 'x', sizeof longest);
    assert_null(stamp_new("U\0C", 3));
    assert_null(stamp_new(longest, sizeof longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_six_digits_cut_not_rounded),
        cmocka_unit_test(honours_zones_and_their_summers),
        cmocka_unit_test(several_zones_live_side_by_side),
        cmocka_unit_test(agrees_with_the_library_at_every_moment),
        cmocka_unit_test(refuses_names_that_no_zone_has),
    };
    return cmocka_run_group_tests_name("stamp", tests, NULL, NULL);
}
