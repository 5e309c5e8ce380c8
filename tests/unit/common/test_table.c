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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_and_goes),
        cmocka_unit_test(agrees_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
