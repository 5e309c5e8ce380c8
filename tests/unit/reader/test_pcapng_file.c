/* pcapng files: sections, interfaces, all kinds of packet blocks, and blocks that lie. */
#include "crafted.h"
#include "stages/reader/pcapng_file.h"

static const int64_t SECOND = 1000000000;

static struct given given;

static void take_craft(struct craft *craft)
{
    take_from(&given, craft->bytes.bytes, craft->bytes.length);
    buffer_free(&craft->bytes);
}

/* Takes a capture that goes wrong behind one sound packet, and looks for what is said of it. */
static void assert_cut(struct craft *craft, const char *why)
{
    take_craft(craft);
    assert_int_equal(given.status, ERR_TRUNCATED);
    assert_int_equal(given.count, 1);
    assert_frame(&given, 0, SECOND, 1, "sound", 5);
    assert_non_null(strstr(given.fault, why));
    assert_non_null(strstr(given.fault, "behind packet 1, "));
}

static struct craft sound_beginning(void)
{
    struct craft craft = {0};
    section(&craft, true);
    interface(&craft, 1, 0, -1, 0);
    enhanced_packet(&craft, 0, 1000000, "sound", 5);
    return craft;
}

static void reads_sections_in_both_byte_orders(void **state)
{
    (void)state;
    struct craft craft = {0};
    section(&craft, false);
    interface(&craft, 1, 0, -1, 0);
    enhanced_packet(&craft, 0, 1700000000000001, "little", 6);
    section(&craft, true);
    interface(&craft, 101, 0, 9, 0);
    interface(&craft, 113, 0, 0x80 + 10, -3);
    enhanced_packet(&craft, 0, 1700000000000000003, "big", 1500);
    enhanced_packet(&craft, 1, 1024 * 5 + 512, "binary", 6);
    take_craft(&craft);
    assert_int_equal(given.status, ERR_EOF);
    assert_int_equal(given.count, 3);
    assert_frame(&given, 0, 1700000000000001000, 1, "little", 6);
    assert_frame(&given, 1, 1700000000000000003, 101, "big", 1500);
    assert_frame(&given, 2, 2 * SECOND + SECOND / 2, 113, "binary", 6);
}

static void a_section_forgets_the_interfaces_before(void **state)
{
    (void)state;
    struct craft craft = sound_beginning();
    section(&craft, false);
    enhanced_packet(&craft, 0, 2000000, "whose?", 6);
    assert_cut(&craft, "names an interface that the section has not described");
}

static void reads_simple_packets(void **state)
{
    (void)state;
    struct craft craft = {0};
    section(&craft, false);
    interface(&craft, 1, 4, -1, 0);
    for (int i = 0; i < 2; i++) {
        size_t at = block_begin(&craft, SPB);
        put(&craft, i ? 3 : 1400, 4);
        put_bytes(&craft, i ? "abc\0" : "snap", 4);
        block_end(&craft, at);
        enhanced_packet(&craft, 0, 1000000, "timed", 5);
    }
    take_craft(&craft);
    assert_int_equal(given.status, ERR_EOF);
    assert_frame(&given, 0, 0, 1, "snap", 1400);
    assert_frame(&given, 1, SECOND, 1, "timed", 5);
    assert_frame(&given, 2, SECOND, 1, "abc", 3);
}

static void reads_obsolete_packets(void **state)
{
    (void)state;
    struct craft craft = {0};
    section(&craft, true);
    interface(&craft, 1, 0, -1, 0);
    interface(&craft, 101, 0, -1, 0);
    size_t at = block_begin(&craft, PB);
    put(&craft, 1, 2);
    put(&craft, 65535, 2); /* drops: unknown */
    put(&craft, 0, 4);
    put(&craft, 2000000, 4);
    put(&craft, 3, 4);
    put(&craft, 9, 4);
    put_bytes(&craft, "old\0", 4);
    put(&craft, 0, 4); /* options */
    block_end(&craft, at);
    take_craft(&craft);
    assert_int_equal(given.status, ERR_EOF);
    assert_frame(&given, 0, 2 * SECOND, 101, "old", 9);
}

static void passes_over_other_blocks(void **state)
{
    (void)state;
    struct craft craft = sound_beginning();
    static const uint32_t types[] = {NRB, 5, 10, 0xbad, 0x80000001};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t at = block_begin(&craft, types[i]);
        for (size_t n = 0; n < i; n++)
            put(&craft, UINT64_MAX, 8);
        block_end(&craft, at);
    }
    enhanced_packet(&craft, 0, 2000000, "behind", 6);
    take_craft(&craft);
    assert_int_equal(given.status, ERR_EOF);
    assert_int_equal(given.count, 2);
}

static void refuses_lengths_that_cannot_be(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0, 8, 11, 13, PCAPNG_MOST_BLOCK + 4, 0x7fffffff, UINT32_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct craft craft = sound_beginning();
        put(&craft, EPB, 4);
        put(&craft, lengths[i], 4);
        put(&craft, 0, 8);
        assert_cut(&craft, "claims a length that cannot be");
    }
    struct craft craft = sound_beginning();
    put(&craft, NRB, 4);
    put(&craft, 16, 4);
    put(&craft, 0, 4);
    put(&craft, 20, 4);
    assert_cut(&craft, "has two different lengths at its ends");
}

static void refuses_packets_larger_than_their_block(void **state)
{
    (void)state;
    static const uint32_t types[] = {EPB, PB, SPB};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct craft craft = sound_beginning();
        size_t at = block_begin(&craft, types[i]);
        if (types[i] != SPB)
            put(&craft, 0, 4), put(&craft, 0, 8), put(&craft, 9, 4);
        put(&craft, 9, 4);
        put_bytes(&craft, "8 bytes.", 8);
        block_end(&craft, at);
        assert_cut(&craft, "shorter than the packet");
    }
    struct craft craft = sound_beginning();
    block_end(&craft, block_begin(&craft, EPB));
    assert_cut(&craft, "too short for a packet");
}

static void refuses_options_that_break_off(void **state)
{
    (void)state;
    struct craft craft = sound_beginning();
    size_t at = block_begin(&craft, IDB);
    put(&craft, 1, 4);
    put(&craft, 0, 4);
    put(&craft, 2, 2);
    put(&craft, 65535, 2); /* of which 4 are there */
    put(&craft, 0, 4);
    block_end(&craft, at);
    assert_cut(&craft, "describes an interface and breaks off");

    craft = sound_beginning();
    at = block_begin(&craft, IDB);
    put(&craft, 1, 4);
    put(&craft, 0, 4);
    put(&craft, 14, 2);
    put(&craft, 4, 2); /* an offset takes 8 */
    put(&craft, 0, 4);
    block_end(&craft, at);
    assert_cut(&craft, "describes an interface and breaks off");
}

static void refuses_sections_that_it_does_not_know(void **state)
{
    (void)state;
    struct craft craft = sound_beginning();
    size_t at = block_begin(&craft, SHB);
    put(&craft, 0x1a2b3c4d, 4);
    put(&craft, 2, 2);
    put(&craft, 7, 2);
    put(&craft, UINT64_MAX, 8);
    block_end(&craft, at);
    assert_cut(&craft, "unknown version, 2.7");

    craft = sound_beginning();
    put(&craft, SHB, 4);
    put(&craft, 28, 4);
    put(&craft, 0x12345678, 8);
    assert_cut(&craft, "no byte order");
}

static void bounds_the_interfaces_of_a_section(void **state)
{
    (void)state;
    struct craft craft = sound_beginning();
    for (int i = 0; i < PCAPNG_MOST_INTERFACES; i++) {
        size_t at = block_begin(&craft, IDB);
        put(&craft, 1, 8);
        block_end(&craft, at);
    }
    assert_cut(&craft, "one interface too many");
}

static void reads_a_block_larger_than_what_is_read_at_once(void **state)
{
    (void)state;
    struct craft craft = sound_beginning();
    size_t at = block_begin(&craft, 0xbad);
    for (int i = 0; i < 300000; i++)
        put(&craft, 0, 8);
    block_end(&craft, at);
    enhanced_packet(&craft, 0, 2000000, "behind", 6);
    take_craft(&craft);
    assert_int_equal(given.status, ERR_EOF);
    assert_frame(&given, 1, 2 * SECOND, 1, "behind", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_sections_in_both_byte_orders),
        cmocka_unit_test(a_section_forgets_the_interfaces_before),
        cmocka_unit_test(reads_simple_packets),
        cmocka_unit_test(reads_obsolete_packets),
        cmocka_unit_test(passes_over_other_blocks),
        cmocka_unit_test(refuses_lengths_that_cannot_be),
        cmocka_unit_test(refuses_packets_larger_than_their_block),
        cmocka_unit_test(refuses_options_that_break_off),
        cmocka_unit_test(refuses_sections_that_it_does_not_know),
        cmocka_unit_test(bounds_the_interfaces_of_a_section),
        cmocka_unit_test(reads_a_block_larger_than_what_is_read_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
