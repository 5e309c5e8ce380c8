/* Addresses: their order, and their text (RFC 5952). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "common/net/address.h"

static struct address parsed(const char *text)
{
    uint8_t bytes[16];
    int v6 = strchr(text, ':') != NULL;
    assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes), 1);
    return address_from(bytes, v6 ? 16 : 4);
}

static void test_text(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"::", "::"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
    };
    char out[ADDRESS_TEXT];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct address a = parsed(texts[i][0]);
        assert_string_equal(address_text(&a, out), texts[i][1]);
    }
    struct address none = {0};
    assert_string_equal(address_text(&none, out), "");
}

/* Every pattern of words that are zero, small, or large: as the C library writes it. */
static void test_ipv6_text(void **state)
{
    (void)state;
    static const uint16_t words[] = {0, 0xffff, 0x1a, 0x2b3};
    for (unsigned pattern = 0; pattern < 1u << 16; pattern++) {
        uint8_t bytes[16];
        for (unsigned i = 0; i < 8; i++) {
            uint16_t word = words[pattern >> 2 * i & 3];
            bytes[2 * i] = (uint8_t)(word >> 8);
            bytes[2 * i + 1] = (uint8_t)word;
        }
        char wanted[ADDRESS_TEXT], out[ADDRESS_TEXT];
        struct address a = address_from(bytes, sizeof bytes);
        assert_non_null(inet_ntop(AF_INET6, bytes, wanted, sizeof wanted));
        assert_string_equal(address_text(&a, out), wanted);
    }
}

static void test_ip_port(void **state)
{
    (void)state;
    char out[IP_PORT_TEXT];
    struct address a = parsed("192.0.2.1"), b = parsed("2001:db8::2");
    assert_string_equal(ip_port_text(&a, 1, &b, 65535, out), "192.0.2.1-1-2001:db8::2-65535");
    struct address longest = parsed("1111:2222:3333:4444:5555:6666:7777:8888");
    assert_true(strlen(ip_port_text(&longest, 65535, &longest, 65535, out)) < IP_PORT_TEXT);
}

static void test_order(void **state)
{
    (void)state;
    struct address low = parsed("10.0.0.9"), high = parsed("10.0.1.0"), v6 = parsed("::1");
    assert_true(address_compare(&low, &high) < 0);
    assert_true(address_compare(&high, &low) > 0);
    assert_int_equal(address_compare(&low, &low), 0);
    assert_true(address_compare(&high, &v6) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_ipv6_text),
        cmocka_unit_test(test_ip_port),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
