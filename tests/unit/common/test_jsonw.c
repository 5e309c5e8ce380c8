/* The JSON writer: Python's look, and hostile text. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/jsonw.h"

static struct buffer out;

static struct jsonw fresh(void)
{
    buffer_clear(&out);
    return jsonw_to(&out);
}

static void wrote(const char *want)
{
    assert_int_equal(out.length, strlen(want));
    assert_memory_equal(out.bytes, want, out.length);
}

static void nests_with_pythons_spacing(void **state)
{
    (void)state;
    struct jsonw w = fresh();
    jsonw_open_object(&w);
    jsonw_key(&w, "a");
    jsonw_uint(&w, 1);
    jsonw_key(&w, "b");
    jsonw_open_array(&w);
    jsonw_null(&w);
    jsonw_bool(&w, true);
    jsonw_open_array(&w);
    jsonw_close_array(&w);
    jsonw_close_array(&w);
    jsonw_key(&w, "c");
    jsonw_open_object(&w);
    jsonw_close_object(&w);
    jsonw_name(&w, "q\"", 2);
    jsonw_raw(&w, "{}", 2);
    jsonw_close_object(&w);
    wrote("{\"a\": 1, \"b\": [null, true, []], \"c\": {}, \"q\\\"\": {}}");
}

static void writes_plain_text_among_others(void **state)
{
    (void)state;
    struct jsonw w = fresh();
    jsonw_open_array(&w);
    jsonw_plain(&w, "a", 1);
    jsonw_plain(&w, "", 0);
    jsonw_plain(&w, "2026-01-05", 10);
    jsonw_uint(&w, 1);
    jsonw_close_array(&w);
    wrote("[\"a\", \"\", \"2026-01-05\", 1]");
}

static void escapes_what_must_be_and_no_more(void **state)
{
    (void)state;
    struct jsonw w = fresh();
    jsonw_text(&w, "\b\t\n\f\r\"\\/\x01\x1f\x7f\0z", 13);
    wrote("\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0001\\u001f\x7f\\u0000z\"");
}

/* The writer looks each up in a table; here they are put together anew. */
static void spells_every_character(void **state)
{
    (void)state;
    static const char shorts[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
    char text[0x80], want[8 * sizeof text] = "\"";
    size_t length = 1;
    for (size_t c = 0; c < sizeof text; c++) {
        text[c] = (char)c;
        const char *known = c ? strchr(shorts, (int)c) : NULL;
        if (known)
            length += (size_t)sprintf(want + length, "\\%c", letters[known - shorts]);
        else
            length += (size_t)sprintf(want + length, c < 0x20 ? "\\u%04x" : "%c", (unsigned)c);
    }
    strcpy(want + length, "\"");
    struct jsonw w = fresh();
    jsonw_text(&w, text, sizeof text);
    wrote(want);
}

static void keeps_utf8_and_drops_what_is_none(void **state)
{
    (void)state;
    struct jsonw w = fresh();
    jsonw_text(&w, "\xff\xe8\xae\xbe\xe5\xa4u\n\xf0\x9f\x98\x80\xed\xa0\x80\xc3", 16);
    wrote("\"\xe8\xae\xbeu\\n\xf0\x9f\x98\x80\"");
    w = fresh();
    jsonw_text(&w, NULL, 0);
    wrote("\"\"");
}

/* What is plain is copied eight bytes at a time, and long text piece by piece: neither may show. */
static void text_is_the_same_wherever_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {{"\"", "\\\""}, {"\\", "\\\\"}, {"\x1f", "\\u001f"}, {"\x7f", "\x7f"},
                 {" ", " "},      {"!", "!"},         {"\x80", ""},         {"\xff", ""},
                 {"\xe8\xae\xbe", "\xe8\xae\xbe"}, {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"}};
    enum { LENGTH = 1100 };
    char text[LENGTH + 8], want[LENGTH + 16];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int before = 0; before < LENGTH; before++) {
            struct jsonw w = fresh();
            int filler = (LENGTH - before) % 40;
            int length = snprintf(text, sizeof text, "%0*d%s%0*d", before + 1, 0, cases[i].in,
                                  filler + 1, 0);
            snprintf(want, sizeof want, "\"%0*d%s%0*d\"", before + 1, 0, cases[i].out, filler + 1,
                     0);
            jsonw_text(&w, text, (size_t)length);
            wrote(want);
        }
}

static void writes_whole_numbers(void **state)
{
    (void)state;
    struct jsonw w = fresh();
    jsonw_open_array(&w);
    jsonw_uint(&w, 0);
    jsonw_uint(&w, UINT64_MAX);
    jsonw_int(&w, INT64_MIN);
    jsonw_int(&w, -1);
    jsonw_int(&w, 7);
    jsonw_close_array(&w);
    wrote("[0, 18446744073709551615, -9223372036854775808, -1, 7]");
}

static void writes_doubles_as_python_does(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-2.5, "-2.5"},
        {0.1, "0.1"},
        {10.0, "10.0"},
        {9.999990463256836, "9.999990463256836"},
        {52.25515365600586, "52.25515365600586"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.000001, "1e-06"},
        {0.0000015, "1.5e-06"},
        {123456.789012, "123456.789012"},
        {999999999.999999, "999999999.999999"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {0.1 + 0.2, "0.30000000000000004"},
        {INFINITY, "null"},
        {NAN, "null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jsonw w = fresh();
        jsonw_double(&w, cases[i].value);
        wrote(cases[i].text);
    }
}

static void doubles_read_back_the_same(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double value =
            i % 2 ? (double)(seed >> 20) / 1e6 : ldexp((double)(seed >> 11), i % 200 - 150);
        struct jsonw w = fresh();
        jsonw_double(&w, value);
        buffer_append(&out, "", 1);
        assert_true(strtod((const char *)out.bytes, NULL) == value);
    }
}

static int release(void **state)
{
    (void)state;
    buffer_free(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nests_with_pythons_spacing),
        cmocka_unit_test(writes_plain_text_among_others),
        cmocka_unit_test(escapes_what_must_be_and_no_more),
        cmocka_unit_test(spells_every_character),
        cmocka_unit_test(keeps_utf8_and_drops_what_is_none),
        cmocka_unit_test(text_is_the_same_wherever_it_stands),
        cmocka_unit_test(writes_whole_numbers),
        cmocka_unit_test(writes_doubles_as_python_does),
        cmocka_unit_test(doubles_read_back_the_same),
    };
    return cmocka_run_group_tests_name("jsonw", tests, NULL, release);
}
