/* Periods: what their marks say of flows that are open, closed and still to come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "stages/tracker/periods.h"

static struct periods *periods;

static int set_up(void **state)
{
    (void)state;
    periods = periods_new();
    return periods ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    periods_free(&periods);
    return periods != NULL;
}

static void ends(int64_t to_come_ns, uint64_t number, uint64_t closed, int64_t oldest_ns)
{
    struct mark mark;
    periods_end(periods, to_come_ns, &mark);
    assert_int_equal(mark.period, number);
    assert_int_equal(mark.closed, closed);
    assert_int_equal(mark.oldest_ns, oldest_ns);
}

static void without_flows_only_what_is_to_come_counts(void **state)
{
    (void)state;
    ends(-5, 0, 0, -5);
    periods_packet(periods, 3);
    assert_int_equal(periods_close(periods, periods_open(periods)), 1);
    ends(100, 1, 1, 100);
    ends(INT64_MIN, 2, 0, INT64_MIN);
}

static void open_flows_may_be_as_old_as_any_packet_since(void **state)
{
    (void)state;
    periods_packet(periods, 10);
    uint32_t first = periods_open(periods);
    ends(8, 0, 0, 8);
    periods_stretch(periods);
    periods_packet(periods, 20);
    periods_packet(periods, 15);
    uint32_t second = periods_open(periods);
    ends(30, 1, 0, 10);
    periods_stretch(periods);
    periods_packet(periods, 12); /* backwards: it may be of the second flow */
    ends(40, 2, 0, 10);
    periods_close(periods, first);
    ends(50, 3, 1, 12);
    periods_close(periods, second);
    ends(60, 4, 1, 60);
}

static void closes_count_where_they_happen(void **state)
{
    (void)state;
    uint32_t opened[3];
    for (int i = 0; i < 3; i++)
        opened[i] = periods_open(periods);
    assert_int_equal(periods_close(periods, opened[0]), 0);
    ends(0, 0, 1, 0);
    assert_int_equal(periods_close(periods, opened[1]), 1);
    assert_int_equal(periods_close(periods, opened[2]), 1);
    ends(0, 1, 2, 0);
}

/* Within one stretch nobody knows which of the packets were before a flow. */
static void a_period_may_end_within_a_stretch(void **state)
{
    (void)state;
    periods_packet(periods, 10);
    ends(100, 0, 0, 100);
    periods_packet(periods, 20);
    uint32_t opened = periods_open(periods);
    ends(100, 1, 0, 10);
    periods_stretch(periods);
    periods_packet(periods, 30);
    ends(100, 2, 0, 10);
    assert_int_equal(periods_close(periods, opened), 3);
    ends(100, 3, 1, 100);
}

/* One flow stays for longer than stretches can be told apart: then the last goes on and on, and
 * forgets nothing. */
static void too_many_stretches_become_one(void **state)
{
    (void)state;
    periods_packet(periods, 1);
    uint32_t stays = periods_open(periods);
    for (int i = 0; i < PERIODS_MOST - 1; i++) {
        ends(90000, (uint64_t)i, i ? 1 : 0, 1);
        periods_stretch(periods);
        periods_packet(periods, 10000 + i);
        periods_close(periods, periods_open(periods));
    }
    uint32_t last = periods_open(periods);
    for (int i = 0; i < 10; i++) {
        periods_stretch(periods);
        periods_packet(periods, 7000 - i);
        periods_close(periods, periods_open(periods));
    }
    periods_close(periods, stays);
    ends(90000, PERIODS_MOST - 1, 12, 6991);
    periods_stretch(periods);
    periods_packet(periods, 80000);
    ends(90000, PERIODS_MOST, 0, 6991);
    periods_close(periods, last);
    ends(90000, PERIODS_MOST + 1, 1, 90000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_flows_only_what_is_to_come_counts),
        TEST(open_flows_may_be_as_old_as_any_packet_since),
        TEST(closes_count_where_they_happen),
        TEST(a_period_may_end_within_a_stretch),
        TEST(too_many_stretches_become_one),
    };
    return cmocka_run_group_tests_name("periods", tests, NULL, NULL);
}
