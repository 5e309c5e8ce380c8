/* The low watermark: marks are held down to when the oldest of what is kept back came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/bus/watermark.h"
#include "common/wire/event.h"

enum { HERE = 5, THERE = 6 };

static struct watermark *watermark;

static int set_up(void **state)
{
    (void)state;
    watermark = watermark_new();
    return watermark ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    watermark_free(&watermark);
    return watermark != NULL;
}

static int note_mark(void *context, const struct mark *mark)
{
    *(struct mark *)context = *mark;
    return 0;
}

static void passes(uint32_t from, uint64_t tracker, int64_t kept_ns, int64_t then_ns)
{
    struct mark sent = {0};
    const struct mark mark = {.tracker = tracker, .period = 9, .kept_ns = kept_ns};
    const struct outlet outlet = {.context = &sent, .mark = note_mark};
    assert_int_equal(watermark_pass(watermark, from, &mark, &outlet), 0);
    assert_true(sent.tracker == tracker && sent.period == 9 && sent.kept_ns == then_ns);
}

static void holds(uint32_t from, uint64_t tracker, struct hold **hold)
{
    assert_int_equal(watermark_hold(watermark, from, tracker << FLOW_INDEX_SHIFT | 3, hold), 0);
    assert_non_null(*hold);
}

static void nothing_kept_lowers_nothing(void **state)
{
    (void)state;
    passes(HERE, 0, -10, -10);
    passes(HERE, 0, INT64_MAX, INT64_MAX);
}

static void the_oldest_that_is_kept_counts(void **state)
{
    (void)state;
    struct hold *first = NULL, *second = NULL;
    passes(HERE, 0, 10, 10);
    holds(HERE, 0, &first);
    passes(HERE, 0, 20, 10);
    holds(HERE, 0, &second);
    holds(HERE, 0, &first); /* still */
    passes(HERE, 0, 30, 10);
    watermark_let_go(&first);
    assert_null(first);
    passes(HERE, 0, 40, 20);
    holds(HERE, 0, &first);
    watermark_let_go(&second);
    passes(HERE, 0, 50, 40);
    watermark_let_go(&first);
    watermark_let_go(&first);
    passes(HERE, 0, 60, 60);
}

/* Before the first mark nobody knows how old something is. */
static void what_came_before_any_mark_may_be_as_old_as_can_be(void **state)
{
    (void)state;
    struct hold *hold = NULL;
    holds(HERE, 0, &hold);
    passes(HERE, 0, 10, INT64_MIN);
    watermark_let_go(&hold);
    passes(HERE, 0, 10, 10);
}

#define MINUTES(n) ((n)*WATERMARK_PATIENCE_NS)

/* Whether it is kept from the first mark on, or since one later. */
static void what_is_kept_for_long_is_given_up(void **state)
{
    (void)state;
    struct hold *first = NULL, *second = NULL;
    holds(HERE, 0, &first);
    passes(HERE, 0, MINUTES(5), INT64_MIN);
    holds(HERE, 0, &second);
    passes(HERE, 0, MINUTES(6), INT64_MIN);
    passes(HERE, 0, MINUTES(6) + 1, MINUTES(6) + 1);
    holds(HERE, 0, &second); /* it is the same still, and given up */
    passes(HERE, 0, MINUTES(7), MINUTES(7));
    watermark_let_go(&second);
    holds(HERE, 0, &second);
    passes(HERE, 0, MINUTES(8), MINUTES(7));
    passes(HERE, 0, MINUTES(8) + 1, MINUTES(8) + 1);
    watermark_let_go(&first);
    watermark_let_go(&second);
    passes(HERE, 0, INT64_MAX, INT64_MAX);
}

static void workers_and_trackers_are_told_apart(void **state)
{
    (void)state;
    struct hold *hold = NULL;
    passes(HERE, 0, 10, 10);
    passes(THERE, 0, 5, 5);
    passes(HERE, 65535, 7, 7);
    holds(HERE, 65535, &hold);
    passes(HERE, 0, 20, 20);
    passes(THERE, 0, 20, 20);
    passes(HERE, 65535, 20, 7);
    watermark_let_go(&hold);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_kept_lowers_nothing),
        TEST(the_oldest_that_is_kept_counts),
        TEST(what_came_before_any_mark_may_be_as_old_as_can_be),
        TEST(what_is_kept_for_long_is_given_up),
        TEST(workers_and_trackers_are_told_apart),
    };
    return cmocka_run_group_tests_name("watermark", tests, NULL, NULL);
}
