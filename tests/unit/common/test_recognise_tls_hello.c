#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/recognise/tls_hello.h"

#define RECOGNISE(text) tls_hello_recognise((const uint8_t *)(text), sizeof(text) - 1)

static void hellos(void **state)
{
    (void)state;
    assert_int_equal(RECOGNISE("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), VERDICT_YES);
    assert_int_equal(RECOGNISE("\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"), VERDICT_YES);
    assert_int_equal(RECOGNISE("\x16\x03\x00\x00\x2d\x01\x00\x00\x29\x03\x00"), VERDICT_YES);
    /* The message's first bytes in three records, one of a single byte. */
    assert_int_equal(RECOGNISE("\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x02\x00\x00"
                               "\x16\x03\x01\x00\x40\x43\x03\x03"),
                     VERDICT_YES);
}

static void no_hellos(void **state)
{
    (void)state;
    assert_int_equal(RECOGNISE("\x17\x03\x03\x00\x20"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x16\x02"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x16\x03\x05"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x16\x03\x01\x00\x00"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x16\x03\x01\x48\x01"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x16\x03\x01\x00\x20\x0b"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x16\x03\x01\x00\x20\x01\x00\x00\x20\x03\x03"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x16\x03\x01\x00\x7a\x01\x08\x00\x00\x03\x03"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x16\x03\x01\x00\x7a\x01\x00\x00\x76\x05\x03"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x16\x03\x01\x00\x01\x01\x17"), VERDICT_NO);
    assert_int_equal(RECOGNISE("GET / HTTP/1.1\r\n"), VERDICT_NO);
}

static void beginnings(void **state)
{
    (void)state;
    static const uint8_t hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    static const uint8_t old[] = "\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10";
    for (size_t length = 0; length <= 11; length++) {
        enum verdict wanted = length < 11 ? VERDICT_MORE : VERDICT_YES;
        assert_int_equal(tls_hello_recognise(hello, length), wanted);
        assert_int_equal(tls_hello_recognise(old, length), wanted);
    }
}

static void sslv2(void **state)
{
    (void)state;
    assert_int_equal(RECOGNISE("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"), VERDICT_YES);
    assert_int_equal(RECOGNISE("\x80\x2f\x01\x00\x02\x00\x15\x00\x00\x00\x10"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x80\x2e\x01\x00\x02\x00\x16\x00\x00\x00\x0f"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x80\x2e\x02"), VERDICT_NO);
    assert_int_equal(RECOGNISE("\x80\x2e\x01\x04\x00"), VERDICT_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hellos),
        cmocka_unit_test(no_hellos),
        cmocka_unit_test(beginnings),
        cmocka_unit_test(sslv2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
