#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/recognise/dns_message.h"

#define HEADER(flags, questions, records) "\x12\x34" flags questions records "\0\0\0\0"
#define NAME "\7example\3com\0"
#define QUERY HEADER("\1\0", "\0\1", "\0\0") NAME "\0\1\0\1"
#define ANSWER                                                                                     \
    HEADER("\x81\x80", "\0\1", "\0\1")                                                             \
    NAME "\0\1\0\1"                                                                                \
         "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
#define NETBIOS                                                                                    \
    "\x20"                                                                                         \
    "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                                                             \
    "\0"

#define RECOGNISE(text, hint)                                                                      \
    dns_message_recognise((const uint8_t *)(text), sizeof(text) - 1, 0, hint)

static void by_content_alone(void **state)
{
    (void)state;
    assert_true(RECOGNISE(QUERY, false));
    assert_true(RECOGNISE(ANSWER, false));
    assert_false(RECOGNISE(QUERY "x", false));
    assert_false(RECOGNISE(HEADER("\1\0", "\0\2", "\0\0") NAME "\0\1\0\1" NAME "\0\1\0\1", false));
    assert_false(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") "\4a\1bc\0\0\1\0\1", false));
    assert_false(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") "\0\0\1\0\1", false));
    assert_false(RECOGNISE(HEADER("\x28\0", "\0\1", "\0\0") NAME "\0\1\0\1", false));
}

static void with_a_port(void **state)
{
    (void)state;
    assert_true(RECOGNISE(QUERY "trailing", true));
    assert_true(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") "\4a\1bc\0\0\1\0\1", true));
    assert_true(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") "\0\0\2\0\1", true));
    assert_true(
        RECOGNISE(HEADER("\x84\0", "\0\0", "\0\1") NAME "\0\1\x80\1\0\0\0\x78\0\4\1\2\3\4", true));
    assert_true(RECOGNISE(HEADER("\x81\x85", "\0\0", "\0\0"), true));
}

static void what_is_none(void **state)
{
    (void)state;
    for (int hint = 0; hint < 2; hint++) {
        assert_false(RECOGNISE("", hint));
        assert_false(RECOGNISE("\x12\x34\1\0\0\1\0\0\0\0\0", hint));
        assert_false(RECOGNISE(HEADER("\x19\0", "\0\1", "\0\0") NAME "\0\1\0\1", hint));
        assert_false(RECOGNISE(HEADER("\x71\0", "\0\1", "\0\0") NAME "\0\1\0\1", hint));
        assert_false(RECOGNISE(HEADER("\1\3", "\0\1", "\0\0") NAME "\0\1\0\1", hint));
        assert_false(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") NAME "\0\0\0\1", hint));
        assert_false(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") NAME "\0\1\0\2", hint));
        assert_false(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") "\x40" NAME "\0\1\0\1", hint));
        assert_false(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") NAME "\0\1\0", hint));
        assert_false(RECOGNISE(HEADER("\1\0", "\0\1", "\0\1") NAME "\0\1\0\1", hint));
    }
}

static void pointers(void **state)
{
    (void)state;
    assert_false(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") "\xc0\x0c\0\1\0\1", true));
    assert_false(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") "\xc0\x20\0\1\0\1", true));
    assert_false(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") "\xc0\x02\0\1\0\1", true));
    assert_true(RECOGNISE(HEADER("\1\0", "\0\2", "\0\0") NAME "\0\1\0\1"
                                                              "\3www\xc0\x0c\0\1\0\1",
                          true));
}

static void long_names(void **state)
{
    (void)state;
    for (size_t labels = 125; labels <= 130; labels++) {
        char message[400] = "\x12\x34\1\0\0\1\0\0\0\0\0";
        for (size_t i = 0; i < labels; i++)
            memcpy(message + 12 + 2 * i, "\1a", 2);
        memcpy(message + 12 + 2 * labels, "\0\0\1\0\1", 5);
        assert_int_equal(dns_message_recognise((const uint8_t *)message, 17 + 2 * labels, 0, true),
                         labels <= 127);
    }
}

static void netbios_is_not_dns(void **state)
{
    (void)state;
    assert_false(RECOGNISE(HEADER("\1\x10", "\0\1", "\0\0") NETBIOS "\0\x21\0\1", true));
    assert_false(RECOGNISE(HEADER("\1\x10", "\0\1", "\0\0") NETBIOS "\0\x20\0\1", false));
    assert_false(
        RECOGNISE(HEADER("\x85\0", "\0\0", "\0\1") NETBIOS "\0\x20\0\1\0\0\0\0\0\0", true));
    assert_true(RECOGNISE(HEADER("\1\0", "\0\1", "\0\0") NAME "\0\x21\0\1", false));
}

/* What the snap length cut off is believed, behind the question. */
static void cut_messages(void **state)
{
    (void)state;
    const uint8_t *answer = (const uint8_t *)ANSWER;
    size_t whole = sizeof ANSWER - 1, asked = sizeof QUERY - 1;
    for (size_t length = 0; length < whole; length++) {
        assert_int_equal(dns_message_recognise(answer, length, whole - length, false),
                         length >= asked);
        assert_int_equal(dns_message_recognise(answer, length, whole - length, true), length >= 12);
        assert_false(dns_message_recognise(answer, length, 0, true));
    }
    assert_false(dns_message_recognise(answer, whole - 4, 3, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_content_alone), cmocka_unit_test(with_a_port),
        cmocka_unit_test(what_is_none),     cmocka_unit_test(pointers),
        cmocka_unit_test(long_names),       cmocka_unit_test(netbios_is_not_dns),
        cmocka_unit_test(cut_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
