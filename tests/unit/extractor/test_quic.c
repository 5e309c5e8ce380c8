/* QUIC: the samples of the RFCs, and hellos in any order, packet and connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "tests/unit/extractor/feed.h"
#include "tests/unit/extractor/quic_seal.h"
#include "tests/unit/extractor/quic_vectors.h"

#define SNI(name, time)                                                                            \
    "{\"ip_port\":\"192.0.2.1-40000-198.51.100.2-443\",\"sni_domain\":\"" name                     \
    "\",\"sni_ip\":\"198.51.100.2\",\"timestamp\":" time ",\"transport\":\"quic\"}"

enum { V1 = 1, V2 = 0x6b3343cf };

static struct feed quic(void)
{
    return feed_open(&protocol_quic, TRANSPORT_UDP, 443);
}

static void feed_sealed(struct feed *f, int side, const struct sealed *s)
{
    feed_data(f, side, s->bytes, s->length, 0, 0);
}

/* A datagram with one Initial packet with one CRYPTO frame. */
static void feed_crypto(struct feed *f, const char *id, const char *key_id, uint32_t offset,
                        const uint8_t *bytes, size_t length)
{
    struct sealed *frames = calloc(1, sizeof *frames), *packet = calloc(1, sizeof *packet);
    seal_crypto_frame(frames, offset, bytes, length);
    seal_put(frames, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 16);
    seal_initial(packet, V1, id, key_id, frames);
    feed_sealed(f, 0, packet);
    free(frames);
    free(packet);
}

static void assert_names(const struct feed *f, unsigned count, const char *time)
{
    assert_int_equal(f->conversation->count, count);
    if (count)
        assert_string_equal(f->conversation->records[count - 1].text, time);
}

static void the_samples_of_the_rfcs_are_read(void **state)
{
    (void)state;
    static const char *const samples[] = {RFC9001_CLIENT_INITIAL, RFC9369_CLIENT_INITIAL};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct bytes sample = from_hex(samples[i]);
        struct feed f = quic();
        feed_data(&f, 0, sample.bytes, sample.length, 0, 0);
        assert_names(&f, 1, SNI("example.com", "1000"));
        assert_int_equal(f.conversation->records[0].record, TAPLINE_RECORD_SNI);
        assert_string_equal(f.conversation->sni, "example.com 1 1000");
        feed_data(&f, 0, sample.bytes, sample.length, 0, 0); /* again: nothing new */
        assert_names(&f, 1, SNI("example.com", "1000"));
        feed_free(&f);
        free(sample.bytes);
    }
}

static void the_keys_are_those_of_the_rfc(void **state)
{
    (void)state;
    /* RFC 9001, appendix A.1. */
    struct bytes id = from_hex("8394c8f03e515708"),
                 key = from_hex("1f369613dd76d5467730efcbe3b1a22d"),
                 iv = from_hex("fa044b2f42a3fd3b46fb255c"),
                 hp = from_hex("9f50449e04a0e810283a1e9933adedd2");
    struct quic_keys keys;
    assert_int_equal(quic_keys_derive(&keys, quic_version_find(V1), id.bytes, id.length), 0);
    assert_memory_equal(keys.key, key.bytes, key.length);
    assert_memory_equal(keys.iv, iv.bytes, iv.length);
    assert_memory_equal(keys.hp, hp.bytes, hp.length);
    free(id.bytes);
    free(key.bytes);
    free(iv.bytes);
    free(hp.bytes);
}

static void what_is_not_authentic_gives_nothing(void **state)
{
    (void)state;
    struct bytes sample = from_hex(RFC9001_CLIENT_INITIAL);
    struct feed f = quic();
    for (size_t length = 0; length < sample.length; length += length < 64 ? 1 : 101)
        feed_data(&f, 0, sample.bytes, length, 0, (uint32_t)(sample.length - length));
    for (size_t at = 0; at < sample.length; at += at < 64 ? 1 : 101) {
        sample.bytes[at] ^= 0x10;
        feed_data(&f, 0, sample.bytes, sample.length, 0, 0);
        sample.bytes[at] ^= 0x10;
    }
    assert_names(&f, 0, NULL);
    feed_free(&f);
    free(sample.bytes);
}

static void the_shortest_packets_are_tried(void **state)
{
    (void)state;
    struct feed f = quic();
    for (unsigned sample = 0; sample < 64; sample++)
        for (uint8_t rest = 0; rest < 24; rest++) {
            uint8_t packet[18 + 24] = {0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, rest};
            memset(packet + 17, (int)sample, sizeof packet - 17);
            feed_data(&f, 0, packet, 17u + rest, 0, 0);
        }
    assert_names(&f, 0, NULL);
    feed_free(&f);
}

static void servers_packets_are_passed_over(void **state)
{
    (void)state;
    struct bytes client = from_hex(RFC9001_CLIENT_INITIAL),
                 server = from_hex(RFC9001_SERVER_INITIAL);
    struct feed f = quic();
    feed_data(&f, 0, client.bytes, client.length, 0, 0);
    feed_data(&f, 1, server.bytes, server.length, 0, 0);
    assert_names(&f, 1, SNI("example.com", "1000"));
    feed_free(&f);
    free(client.bytes);
    free(server.bytes);
}

/* What goes to the id that a client goes by comes from its server, and no key that follows from
 * that id is a server's: so it is not even tried. Here it would open, as it does where no client
 * with that id is known. */
static void what_goes_to_a_known_client_is_not_tried(void **state)
{
    (void)state;
    struct bytes hello = from_hex(RFC9001_HELLO);
    struct sealed *frames = calloc(1, sizeof *frames), *packet = calloc(1, sizeof *packet);
    seal_crypto_frame(frames, 0, hello.bytes, hello.length);
    seal_initial(packet, V1, SEAL_SOURCE, SEAL_SOURCE, frames);
    for (unsigned known = 0; known < 2; known++) {
        struct feed f = quic();
        if (known)
            feed_crypto(&f, "conn-one", "conn-one", 0, hello.bytes, 1);
        feed_sealed(&f, 1, packet);
        assert_int_equal(f.conversation->count, !known);
        feed_free(&f);
    }
    free(frames);
    free(packet);
    free(hello.bytes);
}

static void drafts_have_salts_of_their_own(void **state)
{
    (void)state;
    static const uint32_t versions[] = {0xff000016, 0xff000017, 0xff00001c, 0xff00001d,
                                        0xff000020, 0xff000022, V1,         V2};
    struct bytes hello = from_hex(RFC9001_HELLO);
    struct sealed *frames = calloc(1, sizeof *frames), *packet = calloc(1, sizeof *packet);
    seal_crypto_frame(frames, 0, hello.bytes, hello.length);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct feed f = quic();
        packet->length = 0;
        seal_initial(packet, versions[i], "draft-id", "draft-id", frames);
        feed_sealed(&f, 0, packet);
        assert_names(&f, 1, SNI("example.com", "1000"));
        feed_free(&f);
    }
    assert_null(quic_version_find(0xff000015));
    assert_null(quic_version_find(0));
    assert_null(quic_version_find(0x0a1a2a3a));
    free(frames);
    free(packet);
    free(hello.bytes);
}

static void a_hello_may_come_in_any_order(void **state)
{
    (void)state;
    struct bytes hello = from_hex(RFC9001_HELLO);
    for (size_t cut = 1; cut < hello.length; cut++) {
        struct feed f = quic();
        size_t overlap = cut > 9 ? cut - 9 : 0;
        feed_crypto(&f, "conn-one", "conn-one", (uint32_t)overlap, hello.bytes + overlap,
                    hello.length - overlap);
        if (overlap > 0)
            assert_names(&f, 0, NULL);
        feed_crypto(&f, "conn-one", "conn-one", 0, hello.bytes, cut);
        assert_false(f.holds);
        assert_names(&f, 1, overlap ? SNI("example.com", "2000") : SNI("example.com", "1000"));
        feed_free(&f);
    }
    free(hello.bytes);
}

static void a_hello_may_be_scrambled_within_its_packets(void **state)
{
    (void)state;
    struct bytes hello = from_hex(RFC9001_HELLO);
    struct sealed *frames = calloc(1, sizeof *frames), *datagram = calloc(1, sizeof *datagram);
    struct feed f = quic();
    /* Runs of ten bytes, each third one first, with PING, PADDING and ACK between; then the others
     * in a second packet of the same datagram. */
    for (size_t start = 0; start < 30; start += 10) {
        for (size_t at = start; at < hello.length; at += 30) {
            static const uint8_t between[] = {1, 0, 0, 2, 5, 0, 0, 5, 3, 5, 0, 1, 1, 0, 0, 1, 1, 1};
            size_t length = hello.length - at < 10 ? hello.length - at : 10;
            seal_crypto_frame(frames, (uint32_t)at, hello.bytes + at, length);
            seal_put(frames, between, sizeof between);
        }
        if (start > 0) {
            seal_initial(datagram, V1, "conn-one", "conn-one", frames);
            frames->length = 0;
        }
    }
    feed_sealed(&f, 0, datagram);
    assert_names(&f, 1, SNI("example.com", "1000"));
    feed_free(&f);
    free(frames);
    free(datagram);
    free(hello.bytes);
}

static void two_hellos_of_one_connection_count(void **state)
{
    (void)state;
    struct bytes hello = from_hex(RFC9001_HELLO);
    struct feed f = quic();
    feed_crypto(&f, "conn-one", "conn-one", 0, hello.bytes, hello.length);
    /* The server asked for another key share; the client writes to the server's id now. */
    feed_crypto(&f, "server-1", "conn-one", (uint32_t)hello.length, hello.bytes, hello.length);
    assert_names(&f, 2, SNI("example.com", "2000"));
    feed_free(&f);
    free(hello.bytes);
}

static void a_hello_repeated_after_a_retry_counts_once(void **state)
{
    (void)state;
    struct bytes hello = from_hex(RFC9001_HELLO);
    struct feed f = quic();
    feed_crypto(&f, "conn-one", "conn-one", 0, hello.bytes, hello.length);
    feed_crypto(&f, "retry-id", "retry-id", 0, hello.bytes, hello.length);
    assert_names(&f, 1, SNI("example.com", "1000"));
    hello.bytes[20] ^= 1; /* another random: another connection */
    feed_crypto(&f, "conn-two", "conn-two", 0, hello.bytes, hello.length);
    assert_names(&f, 2, SNI("example.com", "3000"));
    hello.bytes[20] ^= 1;
    feed_crypto(&f, "conn-one", "conn-one", 0, hello.bytes, hello.length); /* late */
    assert_names(&f, 2, SNI("example.com", "3000"));
    feed_free(&f);
    free(hello.bytes);
}

static void a_client_may_change_its_version(void **state)
{
    (void)state;
    struct bytes hello = from_hex(RFC9001_HELLO);
    struct sealed *frames = calloc(1, sizeof *frames), *packet = calloc(1, sizeof *packet);
    struct feed f = quic();
    feed_crypto(&f, "conn-one", "conn-one", 0, hello.bytes, 100);
    seal_crypto_frame(frames, 100, hello.bytes + 100, hello.length - 100);
    seal_initial(packet, V2, "server-1", "conn-one", frames);
    feed_sealed(&f, 0, packet);
    assert_names(&f, 1, SNI("example.com", "1000"));
    feed_free(&f);
    free(frames);
    free(packet);
    free(hello.bytes);
}

static void quiet_directions_are_given_up(void **state)
{
    (void)state;
    static const uint8_t shorter[] = {0x41, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct bytes hello = from_hex(RFC9001_HELLO);
    struct feed f = quic();
    for (int i = 0; i < 255; i++)
        feed_data(&f, 0, shorter, sizeof shorter, 0, 0);
    assert_false(f.conversation->wanted[0]);
    feed_crypto(&f, "conn-one", "conn-one", 0, hello.bytes, hello.length);
    for (int i = 0; i < 15; i++) {
        feed_data(&f, 0, shorter, sizeof shorter, 0, 0);
        feed_data(&f, 1, shorter, sizeof shorter, 0, 0);
    }
    assert_false(f.conversation->wanted[0]);
    feed_data(&f, 0, shorter, sizeof shorter, 0, 0);
    assert_true(f.conversation->wanted[0]);
    assert_int_equal(f.conversation->want[0], TAPLINE_WANT_NOTHING);
    assert_false(f.conversation->wanted[1]);
    hello.bytes[20] ^= 1;
    feed_crypto(&f, "conn-two", "conn-two", 0, hello.bytes, hello.length); /* declined */
    assert_int_equal(f.conversation->count, 1);
    feed_free(&f);
    free(hello.bytes);
}

static void a_hello_beyond_the_limit_is_given_up(void **state)
{
    (void)state;
    struct bytes hello = from_hex(RFC9001_HELLO);
    struct feed f = quic();
    f.conversation->limits.quic_crypto = hello.length - 1;
    feed_crypto(&f, "conn-one", "conn-one", 0, hello.bytes, 100);
    feed_crypto(&f, "conn-one", "conn-one", 100, hello.bytes + 100, hello.length - 100);
    feed_crypto(&f, "conn-two", "conn-two", 0xffffff, hello.bytes, hello.length);
    for (uint32_t at = 0; at < 130; at++) /* a hole behind every byte */
        feed_crypto(&f, "conn-3rd", "conn-3rd", 1 + 2 * at, hello.bytes, 1);
    assert_int_equal(f.conversation->count, 0);
    assert_int_equal(f.conversation->costs[COST_QUIC], 3);
    f.conversation->limits.quic_crypto = hello.length;
    feed_crypto(&f, "conn-4th", "conn-4th", 0, hello.bytes, hello.length);
    assert_int_equal(f.conversation->count, 1);
    feed_free(&f);
    free(hello.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_samples_of_the_rfcs_are_read),
        cmocka_unit_test(the_keys_are_those_of_the_rfc),
        cmocka_unit_test(what_is_not_authentic_gives_nothing),
        cmocka_unit_test(the_shortest_packets_are_tried),
        cmocka_unit_test(servers_packets_are_passed_over),
        cmocka_unit_test(what_goes_to_a_known_client_is_not_tried),
        cmocka_unit_test(drafts_have_salts_of_their_own),
        cmocka_unit_test(a_hello_may_come_in_any_order),
        cmocka_unit_test(a_hello_may_be_scrambled_within_its_packets),
        cmocka_unit_test(two_hellos_of_one_connection_count),
        cmocka_unit_test(a_hello_repeated_after_a_retry_counts_once),
        cmocka_unit_test(a_client_may_change_its_version),
        cmocka_unit_test(quiet_directions_are_given_up),
        cmocka_unit_test(a_hello_beyond_the_limit_is_given_up),
    };
    return cmocka_run_group_tests_name("quic", tests, NULL, NULL);
}
