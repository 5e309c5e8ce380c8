#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/recognise/quic_initial.h"

#define IDS                                                                                        \
    "\x08"                                                                                         \
    "12345678"                                                                                     \
    "\0"
#define RECOGNISE(text) quic_initial_recognise((const uint8_t *)(text), sizeof(text) - 1)

static void versions(void **state)
{
    (void)state;
    assert_true(RECOGNISE("\xc3\0\0\0\1" IDS));
    assert_true(RECOGNISE("\xd3\x6b\x33\x43\xcf" IDS));
    assert_true(RECOGNISE("\xc3\xff\0\0\x1d" IDS));
    assert_true(RECOGNISE("\xc3\xff\0\0\x17" IDS));
    assert_false(RECOGNISE("\xc3\xff\0\0\x15" IDS));
    assert_false(RECOGNISE("\xc3\xff\0\0\x23" IDS));
    assert_false(RECOGNISE("\xc3\0\0\0\0" IDS));
    assert_false(RECOGNISE("\xc3\0\0\0\2" IDS));
}

static void types(void **state)
{
    (void)state;
    assert_false(RECOGNISE("\xd3\0\0\0\1" IDS));
    assert_false(RECOGNISE("\xe3\0\0\0\1" IDS));
    assert_false(RECOGNISE("\xc3\x6b\x33\x43\xcf" IDS));
    assert_false(RECOGNISE("\x43\0\0\0\1" IDS));
    assert_false(RECOGNISE("\x83\0\0\0\1" IDS));
}

static void coalesced(void **state)
{
    (void)state;
    assert_true(RECOGNISE("\xd3\0\0\0\1" IDS "\3abc\xc3\0\0\0\1" IDS));
    assert_true(
        RECOGNISE("\xd3\0\0\0\1" IDS "\x40\0\xe3\0\0\0\1" IDS "\x80\0\0\1a\xc3\0\0\0\1" IDS));
    assert_false(RECOGNISE("\xd3\0\0\0\1" IDS "\4abc\xc3\0\0\0\1" IDS));
    assert_false(RECOGNISE("\xd3\0\0\0\1" IDS "\3abc"));
    assert_false(RECOGNISE("\xd3\0\0\0\1" IDS "\xff\xff\xff\xff\xff\xff\xff\xff"));
    assert_false(RECOGNISE("\xd3\0\0\0\1" IDS "\3abc\x43 short header"));
    assert_false(RECOGNISE("\xf3\0\0\0\1" IDS "\0\xc3\0\0\0\1" IDS)); /* a Retry */
}

static void identifiers(void **state)
{
    (void)state;
    assert_true(RECOGNISE("\xc0\0\0\0\1\0\0"));
    assert_true(RECOGNISE("\xc0\0\0\0\1\x14"
                          "12345678901234567890"
                          "\0"));
    assert_false(RECOGNISE("\xc0\0\0\0\1\x15"
                           "123456789012345678901"
                           "\0"));
    assert_false(RECOGNISE("\xc0\0\0\0\1\0\x15"
                           "123456789012345678901"));
    for (size_t length = 0; length < 15; length++)
        assert_false(quic_initial_recognise((const uint8_t *)"\xc3\0\0\0\1" IDS, length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),
        cmocka_unit_test(types),
        cmocka_unit_test(coalesced),
        cmocka_unit_test(identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
