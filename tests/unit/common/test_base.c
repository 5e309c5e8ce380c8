/* Buffers and cursors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/base/buffer.h"
#include "common/base/cursor.h"

static void a_buffer_grows_and_shrinks(void **state)
{
    (void)state;
    struct buffer b = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buffer_append(&b, "0123456789", 10), 0);
    assert_int_equal(b.length, 10000);
    buffer_consume(&b, 9995);
    assert_int_equal(b.length, 5);
    assert_memory_equal(b.bytes, "56789", 5);
    buffer_consume(&b, 100);
    assert_int_equal(b.length, 0);
    buffer_free(&b);
    assert_null(b.bytes);
}

static void a_failed_buffer_stays_failed_until_cleared(void **state)
{
    (void)state;
    struct buffer b = {0};
    assert_null(buffer_reserve(&b, SIZE_MAX - 5));
    assert_true(b.failed);
    assert_int_not_equal(buffer_append(&b, "x", 1), 0);
    assert_int_equal(b.length, 0);
    buffer_clear(&b);
    assert_int_equal(buffer_append(&b, "x", 1), 0);
    buffer_free(&b);
}

static void a_cursor_that_ran_over_stays_bad(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
    struct cursor c = cursor_over(bytes, sizeof bytes);
    assert_int_equal(cursor_u24(&c), 0x010203);
    struct cursor inner = cursor_slice(&c, 2);
    assert_int_equal(cursor_u16(&inner), 0x0405);
    assert_int_equal(cursor_u8(&inner), 0);
    assert_true(inner.bad && !c.bad);
    assert_int_equal(cursor_left(&c), 2);
    assert_int_equal(cursor_u32(&c), 0);
    assert_true(c.bad);
    assert_int_equal(cursor_u8(&c), 0); /* although one byte would have been there */
    assert_int_equal(cursor_left(&c), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_grows_and_shrinks),
        cmocka_unit_test(a_failed_buffer_stays_failed_until_cleared),
        cmocka_unit_test(a_cursor_that_ran_over_stays_bad),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
