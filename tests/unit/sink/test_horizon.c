/* The horizon: it moves when all closes are here, whatever comes first, and never too far. */
#include "common/base/error.h"
#include "common/wire/event.h"
#include "stages/sink/horizon.h"
#include "tests/unit/sink/check.h"

static struct horizon *horizon;

static int set_up(void **state)
{
    (void)state;
    horizon = horizon_new(2);
    return horizon ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    horizon_free(&horizon);
    return horizon != NULL;
}

static int closes(uint64_t tracker, uint64_t period)
{
    return horizon_close(horizon, tracker << FLOW_INDEX_SHIFT | 5, period);
}

static int marks(uint64_t tracker, uint64_t period, uint64_t closed, int64_t oldest_ns)
{
    const struct mark mark = {tracker, period, closed, oldest_ns, 0, 0, oldest_ns};
    return horizon_mark(horizon, &mark);
}

/* What a mark of tracker 1 says when it has passed so many stages. */
static int passes(uint64_t period, uint32_t hops, uint32_t branches, int64_t kept_ns)
{
    const struct mark mark = {1, period, 0, 5, hops, branches, kept_ns};
    return horizon_mark(horizon, &mark);
}

static void stands_at(int64_t time_ns)
{
    assert_true(horizon_times(horizon).flows_ns == time_ns);
}

static void of_packets_stands_at(int64_t time_ns)
{
    assert_true(horizon_times(horizon).packets_ns == time_ns);
}

static void it_stands_where_the_slowest_tracker_is(void **state)
{
    (void)state;
    stands_at(INT64_MIN);
    assert_int_equal(marks(0, 0, 0, 100), 0);
    stands_at(INT64_MIN);
    assert_int_equal(marks(1, 0, 0, -70), 0);
    stands_at(-70);
    assert_int_equal(marks(1, 1, 0, 170), 0);
    stands_at(100);
    assert_int_equal(marks(0, 1, 0, 150), 0);
    stands_at(150);
}

static void a_period_is_over_with_its_last_close(void **state)
{
    (void)state;
    assert_int_equal(marks(1, 0, 0, 1000), 0);
    assert_int_equal(closes(0, 0), 0);
    assert_int_equal(marks(0, 0, 3, 10), 0);
    assert_int_equal(closes(0, 0), 0);
    stands_at(INT64_MIN);
    assert_int_equal(closes(0, 0), 0);
    stands_at(10);
}

static void a_period_waits_for_those_before_it(void **state)
{
    (void)state;
    assert_int_equal(marks(1, 0, 0, 1000), 0);
    assert_int_equal(closes(0, 2), 0);
    assert_int_equal(closes(0, 1), 0);
    assert_int_equal(marks(0, 0, 1, 10), 0);
    assert_int_equal(marks(0, 1, 1, 20), 0);
    assert_int_equal(marks(0, 2, 2, 30), 0);
    stands_at(INT64_MIN);
    assert_int_equal(closes(0, 0), 0);
    stands_at(20);
    assert_int_equal(closes(0, 2), 0);
    stands_at(30);
}

/* Where a capture's times run backwards, a later mark may take back what one before it said. */
static void it_never_goes_back(void **state)
{
    (void)state;
    assert_int_equal(marks(1, 0, 0, 1000), 0);
    assert_int_equal(marks(0, 0, 0, 20), 0);
    assert_int_equal(marks(0, 1, 0, 10), 0);
    stands_at(20);
    assert_int_equal(marks(0, 2, 0, 30), 0);
    stands_at(30);
}

/* A classifier that goes on to one extractor, and one that goes on to two. */
static void it_waits_for_a_mark_on_all_its_ways(void **state)
{
    (void)state;
    static const struct {
        uint32_t hops, branches;
        int64_t kept_ns;
    } ways[] = {{0, 2, 90}, {1, 1, 80}, {2, 0, 40}, {1, 2, 70}, {2, 0, 50}, {2, 0, 60}};
    enum { WAYS = sizeof ways / sizeof ways[0] };
    assert_int_equal(marks(0, 0, 0, 1000), 0);
    for (uint64_t last = 0; last < WAYS; last++) { /* each of them comes last once */
        int64_t before = horizon_times(horizon).packets_ns;
        for (uint64_t i = 1; i <= WAYS; i++) {
            uint64_t way = (last + i) % WAYS;
            of_packets_stands_at(before);
            int64_t kept_ns = (int64_t)last * 100 + ways[way].kept_ns;
            assert_int_equal(passes(last, ways[way].hops, ways[way].branches, kept_ns), 0);
        }
        of_packets_stands_at((int64_t)last * 100 + 40);
        stands_at(5);
    }
}

/* Where a stage could not say, what came before holds. */
static void it_stays_where_a_way_says_nothing(void **state)
{
    (void)state;
    assert_int_equal(marks(0, 0, 0, 1000), 0);
    assert_int_equal(passes(0, 0, 0, 10), 0);
    assert_int_equal(passes(1, 0, 1, 20), 0);
    assert_int_equal(passes(1, 1, 0, INT64_MIN), 0);
    of_packets_stands_at(10);
    assert_int_equal(passes(2, 0, 0, 30), 0);
    of_packets_stands_at(30);
}

static void packets_wait_for_closes_too(void **state)
{
    (void)state;
    assert_int_equal(passes(0, 0, 0, 70), 0);
    assert_int_equal(marks(0, 0, 1, 80), 0);
    of_packets_stands_at(INT64_MIN);
    assert_int_equal(closes(0, 0), 0);
    of_packets_stands_at(70);
}

static void is_lost(int error, const char *part)
{
    assert_int_equal(error, ERR_LOST);
    assert_int_equal(horizon_fault(horizon)->error, ERR_LOST);
    if (!strstr(horizon_fault(horizon)->text, part))
        fail_msg("said \"%s\", and not \"%s\"", horizon_fault(horizon)->text, part);
}

static void marks_come_one_after_the_other(void **state)
{
    (void)state;
    is_lost(marks(0, 1, 0, 0), "tracker 0 marked its period 1, and 0 was next");
    assert_int_equal(marks(0, 0, 0, 0), 0);
    is_lost(marks(0, 0, 0, 0), "tracker 0 marked its period 0, and 1 was next");
}

static void more_ways_than_a_mark_has_are_a_fault(void **state)
{
    (void)state;
    static const char text[] = "a mark of tracker 1 for its period 0 came from more workers";
    assert_int_equal(passes(0, 0, 1, 10), 0);
    assert_int_equal(passes(0, 1, 1, 10), 0);
    is_lost(passes(0, 1, 0, 10), text); /* the period is not over */
    horizon_free(&horizon);
    horizon = horizon_new(2);
    assert_int_equal(passes(0, 0, 1, 10), 0);
    assert_int_equal(passes(0, 1, 0, 10), 0);
    is_lost(passes(0, 1, 0, 10), text); /* it is */
}

static void more_closes_than_a_mark_counts_are_a_fault(void **state)
{
    (void)state;
    static const char text[] = "tracker 0 closed fewer flows in its period";
    assert_int_equal(closes(0, 0), 0);
    is_lost(marks(0, 0, 0, 0), text);
    assert_int_equal(marks(0, 0, 2, 0), 0);
    assert_int_equal(closes(0, 0), 0);
    is_lost(closes(0, 0), text);
}

/* The period before is not over yet. */
static void too_many_closes_of_a_period_that_waits_are_a_fault_too(void **state)
{
    (void)state;
    assert_int_equal(marks(0, 0, 1, 0), 0);
    assert_int_equal(marks(0, 1, 1, 0), 0);
    assert_int_equal(closes(0, 1), 0);
    is_lost(closes(0, 1), "tracker 0 closed fewer flows in its period 1");
}

static void what_there_is_not_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(closes(2, 0), ERR_MALFORMED);
    assert_int_equal(closes(0, UINT64_C(1) << 48), ERR_MALFORMED);
    assert_int_equal(closes(0, UINT64_MAX), ERR_MALFORMED);
    assert_int_equal(marks(2, 0, 0, 0), ERR_MALFORMED);
    assert_int_equal(marks(UINT64_C(1) << 32, 0, 0, 0), ERR_MALFORMED);
    assert_int_equal(marks(0, UINT64_MAX, 0, 0), ERR_MALFORMED);
    assert_int_equal(passes(0, 3, 0, 0), ERR_MALFORMED);
    assert_int_equal(passes(0, UINT32_MAX, 0, 0), ERR_MALFORMED);
    assert_int_equal(passes(0, 2, 1, 0), ERR_MALFORMED); /* behind an extractor is the sink */
    assert_int_equal(closes(1, (UINT64_C(1) << 48) - 1), 0); /* absurd, and one entry */
    assert_int_equal(marks(0, 0, UINT64_MAX, INT64_MAX), 0);
    stands_at(INT64_MIN);
    assert_null(horizon_fault(horizon));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_stands_where_the_slowest_tracker_is),
        TEST(a_period_is_over_with_its_last_close),
        TEST(a_period_waits_for_those_before_it),
        TEST(it_never_goes_back),
        TEST(it_waits_for_a_mark_on_all_its_ways),
        TEST(it_stays_where_a_way_says_nothing),
        TEST(packets_wait_for_closes_too),
        TEST(marks_come_one_after_the_other),
        TEST(more_ways_than_a_mark_has_are_a_fault),
        TEST(more_closes_than_a_mark_counts_are_a_fault),
        TEST(too_many_closes_of_a_period_that_waits_are_a_fault_too),
        TEST(what_there_is_not_is_malformed),
    };
    return cmocka_run_group_tests_name("horizon", tests, NULL, NULL);
}
