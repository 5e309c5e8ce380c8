#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/spares.h"

static size_t dropped;

static void drop(void *object)
{
    (void)object;
    dropped++;
}

static void the_last_one_comes_first(void **state)
{
    (void)state;
    struct spares spares = {0};
    int one, two;
    dropped = 0;
    assert_null(spares_take(&spares));
    spares_put(&spares, &one, drop);
    spares_put(&spares, &two, drop);
    assert_ptr_equal(spares_take(&spares), &two);
    assert_ptr_equal(spares_take(&spares), &one);
    assert_null(spares_take(&spares));
    spares_free(&spares);
    assert_int_equal(dropped, 0);
}

static void what_is_too_many_is_dropped(void **state)
{
    (void)state;
    struct spares spares = {0};
    int objects[SPARES_MOST + 2];
    dropped = 0;
    for (size_t i = 0; i < SPARES_MOST + 2; i++)
        spares_put(&spares, &objects[i], drop);
    assert_int_equal(dropped, 2);
    spares_free(&spares);
    assert_int_equal(dropped, SPARES_MOST + 2);
    assert_null(spares_take(&spares));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_one_comes_first),
        cmocka_unit_test(what_is_too_many_is_dropped),
    };
    return cmocka_run_group_tests_name("spares", tests, NULL, NULL);
}
