/* pcap files: byte orders, clocks, link types, lengths that contradict each other. */
#include "crafted.h"

static const int64_t SECOND = 1000000000;

static void one_packet(int magic, bool big_endian, uint32_t fraction, int64_t expected)
{
    struct craft craft = {.big_endian = big_endian};
    struct given given;
    pcap_header(&craft, magic, 65535, 1);
    pcap_packet(&craft, 1700000000, fraction, "hello", 77);
    take_from(&given, craft.bytes.bytes, craft.bytes.length);
    assert_int_equal(given.status, ERR_EOF);
    assert_int_equal(given.count, 1);
    assert_frame(&given, 0, 1700000000 * SECOND + expected, 1, "hello", 77);
    assert_string_equal(given.fault, "");
    buffer_free(&craft.bytes);
}

static void reads_both_byte_orders_and_clocks(void **state)
{
    (void)state;
    for (int big_endian = 0; big_endian < 2; big_endian++) {
        one_packet(MICRO, big_endian, 123456, 123456000);
        one_packet(NANO, big_endian, 123456789, 123456789);
    }
}

static void reads_the_modified_format(void **state)
{
    (void)state;
    struct craft craft = {.big_endian = true};
    struct given given;
    pcap_header(&craft, MODIFIED, 65535, 1);
    for (int i = 0; i < 2; i++) {
        put(&craft, 5, 4);
        put(&craft, 7, 4);
        put(&craft, 4, 4);
        put(&craft, 4, 4);
        put(&craft, 0, 8); /* what the longer packet header holds besides */
        put_bytes(&craft, i ? "more" : "some", 4);
    }
    take_from(&given, craft.bytes.bytes, craft.bytes.length);
    assert_int_equal(given.status, ERR_EOF);
    assert_frame(&given, 0, 5 * SECOND + 7000, 1, "some", 4);
    assert_frame(&given, 1, 5 * SECOND + 7000, 1, "more", 4);
    buffer_free(&craft.bytes);
}

static void gives_link_types_as_the_file_names_them(void **state)
{
    (void)state;
    static const struct {
        uint32_t network, link;
    } cases[] = {
        {0, 0},     {1, 1},     {12, 101},  {14, 101},       {101, 101}, {108, 108},
        {109, 109}, {113, 113}, {228, 228}, {0x14000001, 1}, /* with the FCS's length above */
        {276, 276}, {0x03ff0001, 1}, /* with bits that no reader may look at */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct craft craft = {.big_endian = i % 2};
        struct given given;
        pcap_header(&craft, MICRO, 65535, cases[i].network);
        pcap_packet(&craft, 1, 0, "x", 1);
        take_from(&given, craft.bytes.bytes, craft.bytes.length);
        assert_frame(&given, 0, SECOND, cases[i].link, "x", 1);
        buffer_free(&craft.bytes);
    }
}

static void gives_all_that_was_captured_whatever_the_lengths_say(void **state)
{
    (void)state;
    struct craft craft = {0};
    struct given given;
    pcap_header(&craft, MICRO, 2, 1);
    pcap_packet(&craft, 1, 0, "beyond the snap length", 22);
    pcap_packet(&craft, 2, 0, "longer than on the wire", 3);
    pcap_packet(&craft, 3, 0, "", 60);
    take_from(&given, craft.bytes.bytes, craft.bytes.length);
    assert_int_equal(given.status, ERR_EOF);
    assert_frame(&given, 0, SECOND, 1, "beyond the snap length", 22);
    assert_frame(&given, 1, 2 * SECOND, 1, "longer than on the wire", 23);
    assert_frame(&given, 2, 3 * SECOND, 1, "", 60);
    buffer_free(&craft.bytes);
}

static void snap_lengths_that_cannot_be_change_nothing(void **state)
{
    (void)state;
    static const uint32_t snap_lengths[] = {0, 1, 0x7fffffff, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof snap_lengths / sizeof *snap_lengths; i++) {
        struct craft craft = {.big_endian = i % 2};
        struct given given;
        pcap_header(&craft, MICRO, snap_lengths[i], 1);
        pcap_packet(&craft, 1, 0, "whole", 60);
        take_from(&given, craft.bytes.bytes, craft.bytes.length);
        assert_int_equal(given.status, ERR_EOF);
        assert_frame(&given, 0, SECOND, 1, "whole", 60);
        buffer_free(&craft.bytes);
    }
}

static void takes_seconds_for_unsigned(void **state)
{
    (void)state;
    for (int big_endian = 0; big_endian < 2; big_endian++) {
        struct craft craft = {.big_endian = big_endian};
        struct given given;
        pcap_header(&craft, NANO, 65535, 1);
        pcap_packet(&craft, UINT32_MAX, 999999999, "2106", 4);
        take_from(&given, craft.bytes.bytes, craft.bytes.length);
        assert_frame(&given, 0, UINT32_MAX * SECOND + 999999999, 1, "2106", 4);
        buffer_free(&craft.bytes);
    }
}

static void breaks_off_at_a_length_that_cannot_be(void **state)
{
    (void)state;
    struct craft craft = {0};
    struct given given;
    pcap_header(&craft, MICRO, 65535, 1);
    pcap_packet(&craft, 1, 0, "sound", 5);
    put(&craft, 2, 4);
    put(&craft, 0, 4);
    put(&craft, 0x7fffffff, 8);
    put_bytes(&craft, "garbage", 7);
    take_from(&given, craft.bytes.bytes, craft.bytes.length);
    assert_int_equal(given.status, ERR_TRUNCATED);
    assert_int_equal(given.count, 1);
    assert_frame(&given, 0, SECOND, 1, "sound", 5);
    assert_non_null(strstr(given.fault, "packet 2, at byte "));
    buffer_free(&craft.bytes);
}

static void refuses_an_unknown_version(void **state)
{
    (void)state;
    struct craft craft = {0};
    struct given given;
    pcap_header(&craft, MICRO, 65535, 1);
    craft.bytes.bytes[6] = 5; /* 2.5 */
    take_from(&given, craft.bytes.bytes, craft.bytes.length);
    assert_int_equal(given.status, ERR_UNREADABLE);
    assert_non_null(strstr(given.fault, "unknown version, 2.5"));
    buffer_free(&craft.bytes);
}

static void sets_right_lengths_that_stand_the_other_way_round(void **state)
{
    (void)state;
    struct craft craft = {0};
    struct given given;
    pcap_header(&craft, MICRO, 65535, 1);
    craft.bytes.bytes[6] = 3; /* 2.3 */
    put(&craft, 1, 4);
    put(&craft, 0, 4);
    put(&craft, 60, 4);
    put(&craft, 5, 4);
    put_bytes(&craft, "hello", 5);
    pcap_packet(&craft, 2, 0, "right", 60);
    take_from(&given, craft.bytes.bytes, craft.bytes.length);
    assert_int_equal(given.status, ERR_EOF);
    assert_frame(&given, 0, SECOND, 1, "hello", 60);
    assert_frame(&given, 1, 2 * SECOND, 1, "right", 60);
    buffer_free(&craft.bytes);
}

static void an_empty_capture_is_one(void **state)
{
    (void)state;
    struct craft craft = {0};
    struct given given;
    pcap_header(&craft, MICRO, 65535, 1);
    take_from(&given, craft.bytes.bytes, craft.bytes.length);
    assert_int_equal(given.status, ERR_EOF);
    assert_int_equal(given.count, 0);
    buffer_free(&craft.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_byte_orders_and_clocks),
        cmocka_unit_test(reads_the_modified_format),
        cmocka_unit_test(gives_link_types_as_the_file_names_them),
        cmocka_unit_test(gives_all_that_was_captured_whatever_the_lengths_say),
        cmocka_unit_test(snap_lengths_that_cannot_be_change_nothing),
        cmocka_unit_test(takes_seconds_for_unsigned),
        cmocka_unit_test(breaks_off_at_a_length_that_cannot_be),
        cmocka_unit_test(refuses_an_unknown_version),
        cmocka_unit_test(sets_right_lengths_that_stand_the_other_way_round),
        cmocka_unit_test(an_empty_capture_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
