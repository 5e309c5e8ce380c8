#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/cache.h"
#include "stages/tracker/slab.h"

enum { OBJECT = 3 * CACHE_LINE, MANY = 2 * SLAB_CHUNK + 1 };

/* Every object is by itself, begins at a line, and stays where it is while the slab grows. */
static void objects_stay(void **state)
{
    (void)state;
    struct slab slab = {.object_size = OBJECT};
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t slot;
        uint8_t *object = slab_take(&slab, &slot);
        assert_non_null(object);
        assert_int_equal(slot, i);
        assert_ptr_equal(object, slab_at(&slab, slot));
        assert_int_equal((uintptr_t)object % CACHE_LINE, 0);
        memset(object, (int)(i % 251), OBJECT);
    }
    assert_int_equal(slab.slots, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        const uint8_t *object = slab_at(&slab, i);
        assert_int_equal(object[0], i % 251);
        assert_int_equal(object[OBJECT - 1], i % 251);
    }
    slab_free(&slab);
}

static void the_last_one_comes_first(void **state)
{
    (void)state;
    struct slab slab = {.object_size = OBJECT};
    uint32_t one, two, three;
    slab_take(&slab, &one);
    const void *second = slab_take(&slab, &two);
    slab_release(&slab, one);
    slab_release(&slab, two);
    assert_ptr_equal(slab_take(&slab, &three), second);
    assert_int_equal(three, two);
    slab_take(&slab, &three);
    assert_int_equal(three, one);
    assert_int_equal(slab.slots, 2);
    slab_free(&slab);
    assert_int_equal(slab.slots, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_stay),
        cmocka_unit_test(the_last_one_comes_first),
    };
    return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
