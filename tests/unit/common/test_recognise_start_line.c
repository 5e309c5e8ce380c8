#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/recognise/start_line.h"

static struct start_line seen;

static enum verdict recognise(const char *text)
{
    seen = (struct start_line){0};
    return start_line_recognise((const uint8_t *)text, strlen(text), 64, &seen);
}

static void lines(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.0\n",
        "POST http://x/y?z HTTP/1.1\r\nHost: a",
        "CONNECT a:443 HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.1\r\n",
        "M-SEARCH * HTTP/1.1\r\n",
        "GET /\xc3\xa9\xff HTTP/1.9\r\n",
    };
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.0 404\r\n",
        "HTTP/1.1 200 \r\n",
        "HTTP/1.1 302 a\tb\xe9\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(recognise(requests[i]), VERDICT_YES);
        assert_int_equal(seen.kind, START_LINE_REQUEST);
    }
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_int_equal(recognise(answers[i]), VERDICT_YES);
        assert_int_equal(seen.kind, START_LINE_STATUS);
    }
}

static void no_lines(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "get / HTTP/1.1\r\n",     "GET  / HTTP/1.1\r\n",   "GET /a b HTTP/1.1\r\n",
        "GET / HTTP/2.0\r\n",     "GET / http/1.1\r\n",    "GET / HTTP/1.1 \r\n",
        "GET / HTTP/1.1\r\r\n",   "GET\t/ HTTP/1.1\r\n",   "GET /\x7f HTTP/1.1\r\n",
        "GETS / HTTP/1.1\r\n",    "PRI * HTTP/2.0\r\n",    "GET / HTTP/1.x\r\n",
        "HTTP/1.1 20 OK\r\n",     "HTTP/1.1 2000 OK\r\n",  "HTTP/2 200\r\n",
        "HTTP/1.1  200 OK\r\n",   "HTTP/1.1 200 O\1K\r\n", "ICY 200 OK\r\n",
        "\r\nGET / HTTP/1.1\r\n", "SSH-2.0-x\r\n",         "GET \r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(recognise(texts[i]), VERDICT_NO);
}

static void beginnings(void **state)
{
    (void)state;
    static const char *const texts[] = {"GET /a HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct start_line resumed = {0};
        for (size_t length = 0; length <= strlen(texts[i]); length++) {
            const uint8_t *text = (const uint8_t *)texts[i];
            enum verdict verdict = length < strlen(texts[i]) ? VERDICT_MORE : VERDICT_YES;
            seen = (struct start_line){0};
            assert_int_equal(start_line_recognise(text, length, 64, &seen), verdict);
            assert_int_equal(start_line_recognise(text, length, 64, &resumed), verdict);
        }
        assert_int_equal(resumed.kind, seen.kind);
    }
}

/* What was passed is not looked at again: the bytes there may as well be others. */
static void passed(void **state)
{
    (void)state;
    static const char *const texts[] = {"GET /\1bc HTTP/1.1\r\n", "HTTP/1.1 200 O\1K\r\n"};
    static const size_t open[] = {8, 16};
    for (size_t i = 0; i < 2; i++) {
        seen = (struct start_line){.passed = open[i]};
        assert_int_equal(
            start_line_recognise((const uint8_t *)texts[i], strlen(texts[i]), 64, &seen),
            VERDICT_YES);
    }
    seen = (struct start_line){0};
    assert_int_equal(start_line_recognise((const uint8_t *)"GET /abc", 8, 64, &seen), VERDICT_MORE);
    assert_int_equal(seen.passed, 8);
}

static void longest(void **state)
{
    (void)state;
    const uint8_t *line = (const uint8_t *)"GET /abc HTTP/1.1\r\n";
    static const struct {
        size_t length, longest;
        enum verdict verdict;
    } cases[] = {
        {19, 19, VERDICT_YES}, {19, 18, VERDICT_NO}, {18, 18, VERDICT_NO}, {17, 18, VERDICT_MORE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seen = (struct start_line){0};
        assert_int_equal(start_line_recognise(line, cases[i].length, cases[i].longest, &seen),
                         cases[i].verdict);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),  cmocka_unit_test(no_lines), cmocka_unit_test(beginnings),
        cmocka_unit_test(passed), cmocka_unit_test(longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
