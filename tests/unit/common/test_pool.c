#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/cache.h"
#include "common/base/pool.h"

/* More than one piece holds, each with bytes of its own to its last one. */
static void objects_do_not_meet(void **state)
{
    (void)state;
    enum { OBJECTS = 5000, SIZE = 41 };
    static uint8_t *objects[OBJECTS];
    struct pool pool = {0};
    for (size_t i = 0; i < OBJECTS; i++) {
        objects[i] = pool_take(&pool, SIZE);
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % _Alignof(max_align_t), 0);
        memset(objects[i], (int)(i % 251), SIZE);
    }
    for (size_t i = 0; i < OBJECTS; i++)
        for (size_t at = 0; at < SIZE; at++)
            assert_int_equal(objects[i][at], i % 251);
    pool_free(&pool);
    assert_null(pool.pieces);
}

static void what_was_put_back_last_comes_first(void **state)
{
    (void)state;
    struct pool pool = {0};
    void *one = pool_take(&pool, 100), *two = pool_take(&pool, 100);
    pool_put(&pool, one);
    pool_put(&pool, NULL);
    pool_put(&pool, two);
    assert_ptr_equal(pool_take(&pool, 100), two);
    assert_ptr_equal(pool_take(&pool, 100), one);
    assert_ptr_not_equal(pool_take(&pool, 100), one);
    pool_free(&pool);
}

static void what_fills_lines_begins_with_one(void **state)
{
    (void)state;
    struct pool pool = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal((uintptr_t)pool_take(&pool, CACHE_LINE + 1) % CACHE_LINE, 0);
    pool_free(&pool);
}

static void objects_may_be_larger_than_a_piece(void **state)
{
    (void)state;
    enum { SIZE = 200000 };
    struct pool pool = {0};
    for (int i = 0; i < 3; i++)
        memset(pool_take(&pool, SIZE), i, SIZE);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_do_not_meet),
        cmocka_unit_test(what_was_put_back_last_comes_first),
        cmocka_unit_test(what_fills_lines_begins_with_one),
        cmocka_unit_test(objects_may_be_larger_than_a_piece),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
