/* Buffers, cursors and text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>

#include "common/base/buffer.h"
#include "common/base/cursor.h"
#include "common/base/text.h"

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

static void text_keeps_utf_8_only(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain", "plain"},
        {"\xe8\xae\xbe\xe5\xa4\x87", "\xe8\xae\xbe\xe5\xa4\x87"},
        {"a\x80" "b", "ab"},               /* a continuation alone */
        {"\xc0\xaf", ""},                  /* overlong */
        {"\xe0\x80\xaf", ""},              /* overlong */
        {"\xed\xa0\x80", ""},              /* a surrogate */
        {"\xf4\x90\x80\x80", ""},          /* behind U+10FFFF */
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"x\xe8\xae", "x"},                /* cut */
        {"\xe8" "A\xae", "A"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* Wherever it stands among other text, as bytes are looked at several at a time. */
        for (int around = 0; around < 20; around++) {
            char in[64], wanted[64], out[64];
            int given = snprintf(in, sizeof in, "%.*s%s%.*s", around, "xxxxxxxxxxxxxxxxxxxx",
                                 cases[i].in, around / 2, "yyyyyyyyyy");
            int kept = snprintf(wanted, sizeof wanted, "%.*s%s%.*s", around, "xxxxxxxxxxxxxxxxxxxx",
                                cases[i].out, around / 2, "yyyyyyyyyy");
            assert_int_equal(text_clean(out, (const uint8_t *)in, (size_t)given), kept);
            assert_memory_equal(out, wanted, (size_t)kept);
        }
    }
}

/* What text_clean() shall do, one byte after the other. */
static size_t clean_slowly(char *out, const uint8_t *bytes, size_t length)
{
    size_t used = 0;
    for (size_t at = 0, step; at < length; at += step ? step : 1) {
        step = text_sequence(bytes + at, length - at);
        for (size_t i = 0; i < step; i++)
            out[used++] = (char)bytes[at + i];
    }
    return used;
}

/* Bytes from where the kinds of sequences differ, in every order and over every border of a block:
 * of all lengths, in memory that ends with them. */
static void text_is_cleaned_as_byte_by_byte(void **state)
{
    (void)state;
    static const uint8_t edges[] = {0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                    0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                    0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff};
    uint32_t random = 1;
    for (size_t round = 0; round < 20000; round++) {
        size_t length = round % 300;
        uint8_t *bytes = test_malloc(length + 1), *given = bytes + 1;
        char out[300], wanted[300];
        for (size_t i = 0; i < length; i++) {
            random = random * 1664525 + 1013904223;
            bool tail = round % 2 && random >> 31;
            given[i] = tail ? 0x80 | (random >> 24 & 0x3f) : edges[(random >> 16) % sizeof edges];
        }
        size_t kept = clean_slowly(wanted, given, length);
        assert_int_equal(text_clean(out, given, length), kept);
        assert_memory_equal(out, wanted, kept);
        test_free(bytes);
    }
}

/* Sequences of every length, of which one byte may be another: up to there all is valid. */
static void text_is_valid_up_to_the_first_wrong_byte(void **state)
{
    (void)state;
    static const char *const sequences[] = {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    uint32_t random = 1;
    for (size_t round = 0; round < 20000; round++) {
        uint8_t given[600];
        size_t length = 0, limit = round % 590, valid = 0, step;
        while (length < limit) {
            random = random * 1664525 + 1013904223;
            const char *sequence = sequences[random >> 30];
            memcpy(given + length, sequence, strlen(sequence));
            length += strlen(sequence);
        }
        if (round % 3 && length)
            given[(random >> 8) % length] = (uint8_t)(random >> 20);
        length -= round % 7 == 0 && length;
        while (valid < length && (step = text_sequence(given + valid, length - valid)) > 0)
            valid += step;
        assert_int_equal(text_valid(given, length), valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_grows_and_shrinks),
        cmocka_unit_test(a_failed_buffer_stays_failed_until_cleared),
        cmocka_unit_test(a_cursor_that_ran_over_stays_bad),
        cmocka_unit_test(text_keeps_utf_8_only),
        cmocka_unit_test(text_is_cleaned_as_byte_by_byte),
        cmocka_unit_test(text_is_valid_up_to_the_first_wrong_byte),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
