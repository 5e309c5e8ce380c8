/* What is kept for a while: bounded, its memory used anew, and nothing overwritten meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdint.h>
#include <string.h>

#include "common/base/error.h"
#include "stages/sink/shelf.h"

enum { KEPT = 3000, ROUNDS = 40 };

static size_t size_of(int i)
{
    return 1 + (size_t)i * 37 % 2000;
}

static void *put(struct shelf *shelf, int i)
{
    int error = -1;
    void *room = shelf_take(shelf, size_of(i), &error);
    assert_non_null(room);
    assert_int_equal(error, 0);
    assert_int_equal((uintptr_t)room % sizeof(uint64_t), 0);
    return memset(room, i & 0xff, size_of(i));
}

/* Three megabytes at any time, 120 in all, on a shelf of eight; one in fifty stays for longer. */
static void memory_is_used_anew(void **state)
{
    (void)state;
    static void *rooms[KEPT];
    struct shelf *shelf = shelf_new(8 << 20);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < KEPT; i++) {
            if (rooms[i] && i % 50 == 0 && round % 4)
                continue;
            for (size_t at = 0; rooms[i] && at < size_of(i); at++)
                assert_int_equal(((uint8_t *)rooms[i])[at], i & 0xff);
            if (rooms[i])
                shelf_give_back(shelf, rooms[i]);
            rooms[i] = put(shelf, i);
        }
    shelf_free(&shelf);
    assert_null(shelf);
}

static void room_is_bounded_and_comes_back(void **state)
{
    (void)state;
    void *rooms[64];
    int count, error = 0;
    struct shelf *shelf = shelf_new(1 << 20);
    for (int round = 0; round < 3; round++) {
        for (count = 0; (rooms[count] = shelf_take(shelf, 50000, &error)) != NULL; count++)
            assert_in_range(count, 0, 62);
        assert_int_equal(error, ERR_LIMIT);
        assert_in_range(count, 15, 20);
        while (count)
            shelf_give_back(shelf, rooms[--count]);
    }
    shelf_free(&shelf);
}

static void what_is_too_large_has_no_room(void **state)
{
    (void)state;
    int error = 0;
    for (size_t memory = 0; memory < 100; memory++) {
        struct shelf *shelf = shelf_new(memory);
        assert_null(shelf_take(shelf, 100, &error));
        assert_int_equal(error, ERR_LIMIT);
        shelf_free(&shelf);
    }
    struct shelf *shelf = shelf_new(16 << 20);
    assert_null(shelf_take(shelf, 1 << 20, &error));
    assert_int_equal(error, ERR_LIMIT);
    assert_null(shelf_take(shelf, SIZE_MAX, &error));
    assert_int_equal(error, ERR_LIMIT);
    assert_non_null(shelf_take(shelf, 100000, &error));
    shelf_free(&shelf);
    shelf_free(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_used_anew),
        cmocka_unit_test(room_is_bounded_and_comes_back),
        cmocka_unit_test(what_is_too_large_has_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
