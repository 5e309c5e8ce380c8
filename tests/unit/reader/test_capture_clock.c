/* The capture clock: late by a block, never early, never back, deaf to single absurd times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stages/reader/capture_clock.h"

static const int64_t SECOND = 1000000000;

/* So many frames of one time; whether the last of them made the clock tick (no other may). */
static bool frames(struct capture_clock *clock, unsigned count, int64_t time_ns)
{
    for (unsigned i = 1; i < count; i++)
        assert_false(capture_clock_frame(clock, time_ns));
    return capture_clock_frame(clock, time_ns);
}

static bool block(struct capture_clock *clock, int64_t time_ns)
{
    return frames(clock, CAPTURE_CLOCK_BLOCK, time_ns);
}

static void ticks_first_when_a_block_is_full(void **state)
{
    (void)state;
    struct capture_clock clock = {0};
    assert_false(frames(&clock, CAPTURE_CLOCK_BLOCK - 1, 5 * SECOND));
    assert_false(clock.running);
    assert_true(capture_clock_frame(&clock, 6 * SECOND));
    assert_int_equal(clock.time_ns, 5 * SECOND);
}

static void ticks_once_a_second(void **state)
{
    (void)state;
    struct capture_clock clock = {0};
    assert_true(block(&clock, SECOND));
    assert_false(block(&clock, SECOND + SECOND / 2));
    assert_int_equal(clock.time_ns, SECOND + SECOND / 2);
    assert_false(block(&clock, 2 * SECOND - 1));
    assert_true(block(&clock, 2 * SECOND));
    assert_false(block(&clock, 2 * SECOND));
    assert_true(block(&clock, 9 * SECOND));
    assert_int_equal(clock.time_ns, 9 * SECOND);
}

static void never_runs_back(void **state)
{
    (void)state;
    struct capture_clock clock = {0};
    assert_true(block(&clock, 100 * SECOND));
    assert_false(block(&clock, 3 * SECOND));
    assert_int_equal(clock.time_ns, 100 * SECOND);
    assert_true(block(&clock, 101 * SECOND));
}

static void one_absurd_time_moves_nothing(void **state)
{
    (void)state;
    struct capture_clock clock = {0};
    assert_true(block(&clock, 10 * SECOND));
    assert_false(frames(&clock, CAPTURE_CLOCK_BLOCK - 1, INT64_MAX));
    assert_true(capture_clock_frame(&clock, 12 * SECOND));
    assert_int_equal(clock.time_ns, 12 * SECOND);
    assert_false(frames(&clock, CAPTURE_CLOCK_BLOCK - 1, 20 * SECOND));
    assert_false(capture_clock_frame(&clock, INT64_MIN));
    assert_int_equal(clock.time_ns, 12 * SECOND);
    assert_true(block(&clock, 13 * SECOND));
}

static void holds_any_times(void **state)
{
    (void)state;
    struct capture_clock clock = {0};
    assert_true(block(&clock, INT64_MIN));
    assert_true(block(&clock, -5 * SECOND));
    assert_true(block(&clock, INT64_MAX));
    assert_false(block(&clock, INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_first_when_a_block_is_full),
        cmocka_unit_test(ticks_once_a_second),
        cmocka_unit_test(never_runs_back),
        cmocka_unit_test(one_absurd_time_moves_nothing),
        cmocka_unit_test(holds_any_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
