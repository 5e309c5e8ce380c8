#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/table.h"

enum { IDS = 512 };

static size_t dropped;

static void drop(void *object)
{
    (void)object;
    dropped++;
}

static void comes_and_goes(void **state)
{
    (void)state;
    struct table table = {0};
    int one, two;
    assert_null(table_find(&table, 1));
    assert_null(table_take(&table, 1));
    assert_int_equal(table_add(&table, 1, &one), 0);
    assert_int_equal(table_add(&table, 0, &two), 0);
    assert_ptr_equal(table_find(&table, 1), &one);
    assert_ptr_equal(table_find(&table, 0), &two);
    assert_ptr_equal(table_take(&table, 1), &one);
    assert_null(table_find(&table, 1));
    assert_ptr_equal(table_find(&table, 0), &two);
    dropped = 0;
    table_free(&table, drop);
    assert_int_equal(dropped, 1);
    table_free(&table, drop);
}

/* Held against a plain array through a long run of comings and goings. */
static void agrees_with_an_array(void **state)
{
    (void)state;
    static char objects[IDS];
    bool there[IDS] = {false};
    struct table table = {0};
    size_t count = 0;
    srand(1);
    for (int i = 0; i < 100000; i++) {
        size_t n = (size_t)rand() % IDS;
        uint64_t id = (uint64_t)(n % 4) << 48 | n;
        assert_ptr_equal(table_find(&table, id), there[n] ? &objects[n] : NULL);
        if (there[n])
            assert_ptr_equal(table_take(&table, id), &objects[n]);
        else
            assert_int_equal(table_add(&table, id, &objects[n]), 0);
        there[n] = !there[n];
        count += there[n] ? 1 : (size_t)-1;
        assert_int_equal(table.count, count);
    }
    dropped = 0;
    table_free(&table, drop);
    assert_int_equal(dropped, count);
}

/* As flows come from many trackers at once, each counting up and letting go of its oldest. */
static void holds_windows_of_many_ranges(void **state)
{
    (void)state;
    enum { RANGES = 16, WINDOW = 3000, LAST = 9000 };
    static char object;
    struct table table = {0};
    for (uint64_t n = 0; n < LAST + WINDOW; n++)
        for (uint64_t range = 0; range < RANGES; range++) {
            uint64_t id = range << 48 | n, oldest = range << 48 | (n - WINDOW);
            if (n < LAST)
                assert_int_equal(table_add(&table, id, &object), 0);
            assert_ptr_equal(table_find(&table, id), n < LAST ? &object : NULL);
            if (n < WINDOW)
                continue;
            assert_ptr_equal(table_take(&table, oldest), &object);
            assert_null(table_find(&table, oldest));
        }
    assert_int_equal(table.count, 0);
    table_free(&table, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_and_goes),
        cmocka_unit_test(agrees_with_an_array),
        cmocka_unit_test(holds_windows_of_many_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
