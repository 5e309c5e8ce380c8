/* Filters: one expression over frames of several link types, and expressions that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/error.h"
#include "common/net/link.h"
#include "stages/reader/filter.h"

/* An IPv4 packet with an empty UDP datagram from port 4000 to port 53. */
static const uint8_t datagram[] = {
    0x45, 0, 0,  28, 0,  0, 0, 0,    64,   17, 0, 0,  192, 0, 2,
    1,    192, 0, 2, 99, 0x0f, 0xa0, 0, 53, 0, 8, 0, 0};

static struct filter *compiled(const char *expression)
{
    char fault[256] = "";
    int error;
    struct filter *filter = filter_new(expression, fault, sizeof fault, &error);
    assert_string_equal(fault, "");
    assert_int_equal(error, 0);
    assert_non_null(filter);
    return filter;
}

/* What becomes of the datagram behind such a link header. */
static enum filter_verdict verdict(struct filter *filter, uint32_t link, const void *header,
                                   uint32_t length)
{
    uint8_t bytes[64];
    memcpy(bytes, header, length);
    memcpy(bytes + length, datagram, sizeof datagram);
    struct frame frame = {.link = link, .bytes = bytes};
    frame.length = frame.wire_length = length + (uint32_t)sizeof datagram;
    return filter_frame(filter, &frame);
}

static const char ethernet[] = "\2\0\0\0\0\1\2\0\0\0\0\2\x08";
static const char tagged[] = "\2\0\0\0\0\1\2\0\0\0\0\2\x81\0\0\5\x08";
static const char cooked[] = "\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08";
static const char loop[] = "\0\0\0\2";

static void one_expression_is_asked_of_every_link_type(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        enum filter_verdict verdict;
    } cases[] = {
        {"udp port 53", FILTER_TAKES},       {"host 192.0.2.99", FILTER_TAKES},
        {"", FILTER_TAKES},                  {"tcp", FILTER_LEAVES_OUT},
        {"udp port 54", FILTER_LEAVES_OUT},  {"greater 100", FILTER_LEAVES_OUT},
        {"not udp port 53", FILTER_LEAVES_OUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct filter *filter = compiled(cases[i].expression);
        for (int again = 0; again < 2; again++) {
            enum filter_verdict wanted = cases[i].verdict;
            assert_int_equal(verdict(filter, LINK_ETHERNET, ethernet, 14), wanted);
            assert_int_equal(verdict(filter, LINK_RAW, "", 0), wanted);
            assert_int_equal(verdict(filter, LINK_RAW_IPV4, "", 0), wanted);
            assert_int_equal(verdict(filter, LINK_COOKED, cooked, 16), wanted);
            assert_int_equal(verdict(filter, LINK_LOOP, loop, 4), wanted);
        }
        filter_free(&filter);
        assert_null(filter);
    }
}

static void what_has_a_tag_is_matched_behind_vlan_only(void **state)
{
    (void)state;
    struct filter *plain = compiled("udp port 53"), *behind = compiled("vlan and udp port 53");
    assert_int_equal(verdict(plain, LINK_ETHERNET, tagged, 18), FILTER_LEAVES_OUT);
    assert_int_equal(verdict(behind, LINK_ETHERNET, tagged, 18), FILTER_TAKES);
    assert_int_equal(verdict(behind, LINK_ETHERNET, ethernet, 14), FILTER_LEAVES_OUT);
    filter_free(&plain);
    filter_free(&behind);
}

static void lengths_are_those_on_the_wire(void **state)
{
    (void)state;
    struct filter *filter = compiled("greater 1000");
    struct frame frame = {
        .link = LINK_RAW, .bytes = datagram, .length = sizeof datagram, .wire_length = 1000};
    assert_int_equal(filter_frame(filter, &frame), FILTER_TAKES);
    frame.wire_length--;
    assert_int_equal(filter_frame(filter, &frame), FILTER_LEAVES_OUT);
    filter_free(&filter);
}

static void says_which_link_type_it_does_not_fit(void **state)
{
    (void)state;
    struct filter *filter = compiled("ether host 2:0:0:0:0:1");
    assert_int_equal(verdict(filter, LINK_ETHERNET, ethernet, 14), FILTER_TAKES);
    assert_int_equal(verdict(filter, LINK_RAW, "", 0), FILTER_MISFITS);
    assert_non_null(strstr(filter_misfit(filter), "ethernet addresses"));
    assert_int_equal(verdict(filter, LINK_ETHERNET, ethernet, 14), FILTER_TAKES);
    filter_free(&filter);
}

static void link_types_without_end_are_misfits(void **state)
{
    (void)state;
    struct filter *filter = compiled("udp");
    assert_int_equal(verdict(filter, LINK_RAW, "", 0), FILTER_TAKES);
    for (uint32_t link = 1000; link < 1000 + 2 * FILTER_LINKS; link++)
        assert_int_equal(verdict(filter, link, "", 0), FILTER_MISFITS);
    assert_non_null(strstr(filter_misfit(filter), "too many link types"));
    assert_int_equal(verdict(filter, LINK_RAW, "", 0), FILTER_TAKES);
    filter_free(&filter);
}

static void a_wrong_expression_is_refused_in_the_words_of_libpcap(void **state)
{
    (void)state;
    static const char *const wrong[] = {"udp porrt 53", "(udp", "port 70000", "wlan type mgt"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char fault[256] = "";
        int error = 0;
        assert_null(filter_new(wrong[i], fault, sizeof fault, &error));
        assert_int_equal(error, ERR_USAGE);
        assert_string_not_equal(fault, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_expression_is_asked_of_every_link_type),
        cmocka_unit_test(what_has_a_tag_is_matched_behind_vlan_only),
        cmocka_unit_test(lengths_are_those_on_the_wire),
        cmocka_unit_test(says_which_link_type_it_does_not_fit),
        cmocka_unit_test(link_types_without_end_are_misfits),
        cmocka_unit_test(a_wrong_expression_is_refused_in_the_words_of_libpcap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
