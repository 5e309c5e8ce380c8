/* Captures of every format cut off at every byte, and damaged at every byte: what stands before is
 * given as it was, and the status says what happened. */
#include "crafted.h"

static struct given whole, given;

/* A capture, and where in it a reader that ends there has missed nothing. */
struct sample {
    struct craft craft;
    size_t ends[16]; /* of the header, and behind that where it may end */
    size_t count;
};

static void mark(struct sample *sample)
{
    sample->ends[sample->count++] = sample->craft.bytes.length;
}

static const char *const payloads[] = {"one", "", "three 3", "four four four", "5"};
enum { PAYLOADS = 5 };

static struct sample pcap_sample(void)
{
    struct sample sample = {.craft = {.big_endian = true}};
    pcap_header(&sample.craft, NANO, 65535, 1);
    mark(&sample);
    for (uint32_t i = 0; i < PAYLOADS; i++) {
        pcap_packet(&sample.craft, 1700000000 + i, i, payloads[i], 100);
        mark(&sample);
    }
    return sample;
}

static struct sample pcapng_sample(void)
{
    struct sample sample = {0};
    section(&sample.craft, false);
    mark(&sample);
    interface(&sample.craft, 1, 0, 9, 0);
    mark(&sample);
    for (uint32_t i = 0; i < PAYLOADS; i++) {
        if (i == 3) {
            section(&sample.craft, true);
            mark(&sample);
            interface(&sample.craft, 101, 0, 0x8a, 5);
            mark(&sample);
        }
        enhanced_packet(&sample.craft, 0, 1000000 + i, payloads[i], 100);
        mark(&sample);
    }
    return sample;
}

static void cut_everywhere(struct sample sample)
{
    const struct buffer *bytes = &sample.craft.bytes;
    take_from(&whole, bytes->bytes, bytes->length);
    assert_int_equal(whole.status, ERR_EOF);
    assert_int_equal(whole.count, PAYLOADS);
    size_t next_end = 0, most = 0;
    for (size_t length = 0; length <= bytes->length; length++) {
        take_from(&given, bytes->bytes, length);
        assert_prefix(&given, &whole);
        assert_true(given.count >= most);
        most = given.count;
        bool at_end = next_end < sample.count && sample.ends[next_end] == length;
        next_end += at_end;
        int expected = at_end ? ERR_EOF : next_end ? ERR_TRUNCATED : ERR_UNREADABLE;
        assert_int_equal(given.status, expected);
        assert_true((*given.fault != '\0') == (expected != ERR_EOF));
    }
    assert_int_equal(most, PAYLOADS);
    assert_int_equal(next_end, sample.count);
    buffer_free(&sample.craft.bytes);
}

static void pcap_is_cut_anywhere(void **state)
{
    (void)state;
    cut_everywhere(pcap_sample());
}

static void pcapng_is_cut_anywhere(void **state)
{
    (void)state;
    cut_everywhere(pcapng_sample());
}

typedef void compressor(struct buffer *to, const uint8_t *bytes, size_t length);

/* Compressed data that was cut has lost something always, and gives no less than before. */
static void cut_compressed(compressor *append, struct sample sample)
{
    struct buffer packed = {0};
    append(&packed, sample.craft.bytes.bytes, sample.craft.bytes.length);
    take_from(&whole, sample.craft.bytes.bytes, sample.craft.bytes.length);
    size_t most = 0;
    for (size_t length = 0; length < packed.length; length++) {
        take_from(&given, packed.bytes, length);
        assert_prefix(&given, &whole);
        assert_true(given.count >= most);
        most = given.count;
        assert_true(given.status == ERR_TRUNCATED || (most == 0 && given.status == ERR_UNREADABLE));
        assert_true(*given.fault != '\0');
    }
    take_from(&given, packed.bytes, packed.length);
    assert_prefix(&given, &whole);
    assert_int_equal(given.count, whole.count);
    assert_int_equal(given.status, ERR_EOF);
    buffer_free(&packed);
    buffer_free(&sample.craft.bytes);
}

/* Stored as it is, so that frames come out before the end is there. */
static void gzip_stored(struct buffer *to, const uint8_t *bytes, size_t length)
{
    struct craft craft = {.bytes = *to};
    put_bytes(&craft, "\x1f\x8b\x08\0\0\0\0\0\0\3\1", 11);
    put(&craft, length, 2);
    put(&craft, ~length, 2);
    put_bytes(&craft, bytes, length);
    put(&craft, crc32(0, bytes, (uInt)length), 4);
    put(&craft, length, 4);
    *to = craft.bytes;
}

static void compressed_is_cut_anywhere(void **state)
{
    (void)state;
    cut_compressed(gzip_append, pcap_sample());
    cut_compressed(gzip_append, pcapng_sample());
    cut_compressed(gzip_stored, pcap_sample());
    cut_compressed(gzip_stored, pcapng_sample());
    cut_compressed(zstd_append, pcap_sample());
    cut_compressed(zstd_append, pcapng_sample());
}

/* No byte may be such that another one in its place brings the reader down. */
static void damage_everywhere(const struct buffer *bytes)
{
    for (size_t at = 0; at < bytes->length; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes->bytes[at] ^= (uint8_t)(1 << bit);
            take_from(&given, bytes->bytes, bytes->length);
            assert_true(given.status == ERR_EOF || given.status == ERR_TRUNCATED ||
                        given.status == ERR_UNREADABLE);
            bytes->bytes[at] ^= (uint8_t)(1 << bit);
        }
    }
}

static void anything_may_be_damaged(void **state)
{
    (void)state;
    struct sample samples[] = {pcap_sample(), pcapng_sample()};
    for (size_t i = 0; i < 2; i++) {
        struct buffer *plain = &samples[i].craft.bytes, gzip = {0}, zstd = {0};
        gzip_append(&gzip, plain->bytes, plain->length);
        zstd_append(&zstd, plain->bytes, plain->length);
        damage_everywhere(plain);
        damage_everywhere(&gzip);
        damage_everywhere(&zstd);
        buffer_free(plain);
        buffer_free(&gzip);
        buffer_free(&zstd);
    }
}

static void a_wrong_checksum_costs_no_frame(void **state)
{
    (void)state;
    struct sample sample = pcap_sample();
    struct buffer packed = {0};
    gzip_append(&packed, sample.craft.bytes.bytes, sample.craft.bytes.length);
    packed.bytes[packed.length - 8] ^= 1;
    take_from(&given, packed.bytes, packed.length);
    assert_int_equal(given.count, PAYLOADS);
    assert_int_equal(given.status, ERR_TRUNCATED);
    assert_non_null(strstr(given.fault, "corrupt gzip"));
    buffer_free(&packed);
    buffer_free(&sample.craft.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcap_is_cut_anywhere),
        cmocka_unit_test(pcapng_is_cut_anywhere),
        cmocka_unit_test(compressed_is_cut_anywhere),
        cmocka_unit_test(anything_may_be_damaged),
        cmocka_unit_test(a_wrong_checksum_costs_no_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
