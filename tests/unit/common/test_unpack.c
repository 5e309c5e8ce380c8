/* The msgpack reader against msgpack-c: it reads what that packs, and refuses what that refuses. */
#include <limits.h>
#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/wire/pack.h"
#include "common/wire/unpack.h"

static const int64_t EDGES[] = {0,         1,          127,        128,       255,       256,
                                65535,     65536,      UINT32_MAX, INT64_MAX, -1,        -32,
                                -33,       -128,       -129,       -32768,    -32769,    INT32_MIN,
                                INT64_MIN, 1000000000, -5000000000};

static void reads_every_width_of_integer(void **state)
{
    (void)state;
    struct buffer b = {0};
    for (size_t i = 0; i < sizeof EDGES / sizeof EDGES[0]; i++)
        pack_int(&b, EDGES[i]);
    pack_uint(&b, UINT64_MAX);
    struct unpack u = unpack_over(b.bytes, b.length);
    for (size_t i = 0; i < sizeof EDGES / sizeof EDGES[0]; i++)
        assert_int_equal(unpack_int(&u), EDGES[i]);
    assert_int_equal(unpack_uint(&u), UINT64_MAX);
    assert_int_equal(u.error, 0);
    assert_ptr_equal(u.at, u.end);
    buffer_free(&b);
}

static void keeps_signs_apart(void **state)
{
    (void)state;
    struct buffer b = {0};
    pack_int(&b, -1);
    struct unpack u = unpack_over(b.bytes, b.length);
    unpack_uint(&u);
    assert_int_equal(u.error, ERR_MALFORMED);
    buffer_clear(&b);
    pack_uint(&b, UINT64_MAX);
    u = unpack_over(b.bytes, b.length);
    unpack_int(&u);
    assert_int_equal(u.error, ERR_MALFORMED);
    buffer_free(&b);
}

static void reads_times_of_both_widths(void **state)
{
    (void)state;
    const int64_t times[] = {0, 1, -1, 1689340914000123456, -62135596800000000, 20000000000000000,
                             INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX};
    struct buffer b = {0};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        pack_time(&b, times[i]);
    struct unpack u = unpack_over(b.bytes, b.length);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_int_equal(unpack_type(&u), UNPACK_TIME);
        assert_int_equal(unpack_time(&u), times[i]);
    }
    assert_int_equal(u.error, 0);
    buffer_free(&b);
}

static void refuses_a_time_that_does_not_fit(void **state)
{
    (void)state;
    const uint8_t times[][15] = {
        {0xc7, 12, 0xff, 0, 0, 0, 0, 0x7f, 0, 0, 0, 0, 0, 0, 0},
        /* a nanosecond behind the last that fits, one before the first, and a second of too many */
        {0xc7, 12, 0xff, 0x32, 0xf2, 0xd8, 0, 0, 0, 0, 2, 0x25, 0xc1, 0x7d, 0x04},
        {0xc7, 12, 0xff, 0x08, 0xa7, 0xf1, 0xff, 0xff, 0xff, 0xff, 0xfd, 0xda, 0x3e, 0x82, 0xfb},
        {0xc7, 12, 0xff, 0x3b, 0x9a, 0xca, 0, 0, 0, 0, 0, 0, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct unpack u = unpack_over(times[i], sizeof times[i]);
        unpack_time(&u);
        assert_int_equal(u.error, ERR_MALFORMED);
    }
}

static void cleans_text_while_packing(void **state)
{
    (void)state;
    struct buffer b = {0};
    pack_text(&b, "a\xff\xe8\xae\xbe\xc3", 6);
    struct unpack u = unpack_over(b.bytes, b.length);
    struct slice text = unpack_str(&u);
    assert_int_equal(text.length, 4);
    assert_memory_equal(text.bytes, "a\xe8\xae\xbe", 4);
    assert_ptr_equal(u.at, u.end);
    buffer_free(&b);
}

static void an_array_cannot_promise_more_than_there_is(void **state)
{
    (void)state;
    const uint8_t huge[] = {0xdd, 0xff, 0xff, 0xff, 0xff, 1, 2, 3};
    struct unpack u = unpack_over(huge, sizeof huge);
    assert_int_equal(unpack_array(&u), 0);
    assert_int_equal(u.error, ERR_TRUNCATED);
}

static void skips_nested_values_but_not_for_ever(void **state)
{
    (void)state;
    uint8_t deep[200];
    for (size_t depth = 1; depth < sizeof deep; depth++) {
        memset(deep, 0x91, sizeof deep); /* [[[... */
        deep[depth] = 0xc0;
        struct unpack u = unpack_over(deep, depth + 1);
        unpack_skip(&u);
        assert_int_equal(u.error, depth < 32 ? 0 : ERR_MALFORMED);
    }
}

/* Random bytes: what msgpack-c takes for one whole value, unpack_skip steps over just as far. */
static void agrees_with_msgpack_c(void **state)
{
    (void)state;
    srand(1);
    int whole = 0;
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[24];
        size_t length = 1 + (size_t)rand() % sizeof bytes;
        for (size_t i = 0; i < length; i++) {
            bytes[i] = (uint8_t)rand();
            if (bytes[i] == 0xdd || bytes[i] == 0xdf)
                bytes[i] = 0xdc; /* msgpack-c makes room for as many values as are promised */
        }
        msgpack_unpacked object;
        msgpack_unpacked_init(&object);
        size_t offset = 0;
        msgpack_unpack_return theirs =
            msgpack_unpack_next(&object, (const char *)bytes, length, &offset);
        struct unpack u = unpack_over(bytes, length);
        unpack_skip(&u);
        if (theirs == MSGPACK_UNPACK_SUCCESS) {
            whole++;
            assert_int_equal(u.error, 0);
            assert_int_equal(u.at - bytes, offset);
        } else {
            assert_int_not_equal(u.error, 0);
        }
        msgpack_unpacked_destroy(&object);
    }
    assert_true(whole > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_width_of_integer),
        cmocka_unit_test(keeps_signs_apart),
        cmocka_unit_test(reads_times_of_both_widths),
        cmocka_unit_test(refuses_a_time_that_does_not_fit),
        cmocka_unit_test(cleans_text_while_packing),
        cmocka_unit_test(an_array_cannot_promise_more_than_there_is),
        cmocka_unit_test(skips_nested_values_but_not_for_ever),
        cmocka_unit_test(agrees_with_msgpack_c),
    };
    return cmocka_run_group_tests_name("unpack", tests, NULL, NULL);
}
