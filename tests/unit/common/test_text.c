/* Text: what is valid, what is kept of the rest, and every way to look at blocks of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/text_blocks.h"

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

/* Every way in which this processor may look at blocks, and NULL. */
static const struct text_blocks *const *ways(void)
{
    static const struct text_blocks *all[3];
    all[0] = &TEXT_BLOCKS_ANY;
    all[1] = text_blocks_avx2();
    return all;
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
        uint8_t *bytes = malloc(length + 1), *given = bytes + 1;
        char *out = malloc(length + 1), wanted[300];
        for (size_t i = 0; i < length; i++) {
            random = random * 1664525 + 1013904223;
            bool tail = round % 2 && random >> 31;
            given[i] = tail ? 0x80 | (random >> 24 & 0x3f) : edges[(random >> 16) % sizeof edges];
        }
        size_t kept = clean_slowly(wanted, given, length);
        assert_int_equal(text_clean(out, given, length), kept);
        assert_memory_equal(out, wanted, kept);
        for (const struct text_blocks *const *way = ways(); *way; way++) {
            assert_int_equal((*way)->clean(out, given, length), kept);
            assert_memory_equal(out, wanted, kept);
        }
        free(out);
        free(bytes);
    }
}

/* A way finds in which block the first wrong byte is, and may step back over a sequence. */
enum { FURTHEST = 128 + 4 };

/* Sequences of every length, of which one byte may be another: up to there all is valid. */
static void text_is_valid_up_to_the_first_wrong_byte(void **state)
{
    (void)state;
    static const char *const sequences[] = {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    uint32_t random = 1;
    for (size_t round = 0; round < 20000; round++) {
        uint8_t text[600];
        size_t length = 0, limit = round % 590, valid = 0, step;
        while (length < limit) {
            random = random * 1664525 + 1013904223;
            const char *sequence = sequences[random >> 30];
            memcpy(text + length, sequence, strlen(sequence));
            length += strlen(sequence);
        }
        if (round % 3 && length)
            text[(random >> 8) % length] = (uint8_t)(random >> 20);
        length -= round % 7 == 0 && length;
        uint8_t *bytes = malloc(length + 1), *given = bytes + 1;
        memcpy(given, text, length);
        while (valid < length && (step = text_sequence(given + valid, length - valid)) > 0)
            valid += step;
        assert_int_equal(text_valid(given, length), valid);
        for (const struct text_blocks *const *way = ways(); *way; way++) {
            size_t sure = (*way)->valid(given, length);
            assert_true(sure <= valid && valid - sure < FURTHEST);
            assert_true(sure == length || (given[sure] & 0xc0) != 0x80 || sure == valid);
        }
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_keeps_utf_8_only),
        cmocka_unit_test(text_is_cleaned_as_byte_by_byte),
        cmocka_unit_test(text_is_valid_up_to_the_first_wrong_byte),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
