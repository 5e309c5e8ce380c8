/* TLS over a stream: whole sessions of OpenSSL's, however they were cut, and what may go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/extractor/certificates.h"
#include "tests/unit/extractor/feed.h"
#include "tests/unit/extractor/tls_transcripts.h"

#define FLOW "{\"ip_port\":\"192.0.2.1-40000-198.51.100.2-443\","
#define SNI(time)                                                                                  \
    FLOW "\"sni_domain\":\"www.example.com\",\"sni_ip\":\"198.51.100.2\",\"timestamp\":" time "}"
#define SERVER_CERT(time)                                                                          \
    FLOW "\"sha256_fingerprint\":\"" FINGERPRINT_MANY                                              \
         "\",\"domains\":[\"*.example.com\",\"example.com\",\"last.example\"],\"timestamp\":" time \
         ",\"chain\":[<460>,<384>]}"
#define CLIENT_CERT(time)                                                                          \
    FLOW "\"sha256_fingerprint\":\"" FINGERPRINT_CLIENT                                            \
         "\",\"domains\":[\"client.example\"],\"timestamp\":" time ",\"chain\":[<385>]}"

enum { HELLO_RECORD = 160 }; /* the client's first record in TLS 1.2 */

static struct feed tls(void)
{
    return feed_open(&protocol_tls, TRANSPORT_TCP, 443);
}

static void assert_record(const struct feed *f, unsigned index, const char *text)
{
    assert_true(index < f->conversation->count);
    assert_string_equal(f->conversation->records[index].text, text);
}

static void assert_over(const struct feed *f, int side)
{
    assert_true(f->conversation->wanted[side]);
    assert_int_equal(f->conversation->want[side], TAPLINE_WANT_NOTHING);
}

/* Client's hello, server's flight, the rest of the client's: in segments of so many bytes. */
static struct feed session_1_2(size_t segment)
{
    struct feed f = tls();
    struct bytes client = from_hex(TLS12_CLIENT), server = from_hex(TLS12_SERVER);
    feed_stream(&f, 0, client.bytes, HELLO_RECORD, segment);
    feed_stream(&f, 1, server.bytes, server.length, segment);
    feed_stream(&f, 0, client.bytes + HELLO_RECORD, client.length - HELLO_RECORD, segment);
    free(client.bytes);
    free(server.bytes);
    return f;
}

static void a_tls_1_2_session_names_both_certificates(void **state)
{
    (void)state;
    struct feed f = session_1_2(100000);
    assert_int_equal(f.conversation->count, 3);
    assert_record(&f, 0, SNI("1000"));
    assert_record(&f, 1, SERVER_CERT("2000"));
    assert_record(&f, 2, CLIENT_CERT("3000"));
    assert_int_equal(f.conversation->records[0].record, TAPLINE_RECORD_SNI);
    assert_int_equal(f.conversation->records[1].record, TAPLINE_RECORD_CERT);
    assert_int_equal(f.conversation->records[2].packet, 3);
    assert_string_equal(f.conversation->sni, "www.example.com 1 1000");
    assert_string_equal(f.conversation->domain, "*.example.com 1 2000");
    assert_over(&f, 0);
    assert_over(&f, 1);
    feed_free(&f);
}

static void the_time_is_that_of_the_first_byte(void **state)
{
    (void)state;
    struct feed f = session_1_2(1);
    assert_int_equal(f.conversation->count, 3);
    /* Behind the record's header: the 6th byte; of the server, its second record's. */
    assert_record(&f, 0, SNI("6000"));
    assert_record(&f, 1, SERVER_CERT("236000"));
    assert_int_equal(f.conversation->records[1].packet, HELLO_RECORD + 5 + 65 + 5 + 1);
    feed_free(&f);
}

static void segments_of_any_size_give_the_same(void **state)
{
    (void)state;
    for (size_t segment = 1; segment < 1000; segment += segment < 40 ? 1 : 37) {
        struct feed f = session_1_2(segment);
        assert_int_equal(f.conversation->count, 3);
        assert_string_equal(f.conversation->domain[0] ? "seen" : "", "seen");
        feed_free(&f);
    }
}

static void a_stream_may_be_cut_at_every_byte(void **state)
{
    (void)state;
    struct bytes server = from_hex(TLS12_SERVER);
    for (size_t cut = 1; cut < server.length; cut++) {
        struct feed f = tls();
        feed_data(&f, 1, server.bytes, cut, TAPLINE_TURN, 0);
        feed_data(&f, 1, server.bytes + cut, server.length - cut, 0, 0);
        assert_false(f.holds);
        assert_int_equal(f.conversation->count, 1);
        assert_record(&f, 0, cut <= 75 ? SERVER_CERT("2000") : SERVER_CERT("1000"));
        feed_free(&f);
    }
    free(server.bytes);
}

/* A session of TLS 1.3: both sides whole, the client's hello first. */
static struct feed session_1_3(const char *client_hex, const char *server_hex, size_t hello)
{
    struct feed f = tls();
    struct bytes client = from_hex(client_hex), server = from_hex(server_hex);
    feed_stream(&f, 0, client.bytes, hello, 100000);
    feed_stream(&f, 1, server.bytes, server.length, 100000);
    feed_stream(&f, 0, client.bytes + hello, client.length - hello, 100000);
    free(client.bytes);
    free(server.bytes);
    return f;
}

static void tls_1_3_is_over_for_the_server_after_its_hello(void **state)
{
    (void)state;
    struct feed f = session_1_3(TLS13_CLIENT, TLS13_SERVER, 249);
    assert_int_equal(f.conversation->count, 1);
    assert_record(&f, 0, SNI("1000"));
    assert_over(&f, 1);
    assert_false(f.conversation->wanted[0]); /* a second hello could follow early data */
    feed_free(&f);
}

static void a_second_hello_after_a_retry_counts(void **state)
{
    (void)state;
    struct feed f = session_1_3(RETRY_CLIENT, RETRY_SERVER, 249);
    assert_int_equal(f.conversation->count, 2);
    assert_record(&f, 0, SNI("1000"));
    assert_record(&f, 1, SNI("3000"));
    assert_string_equal(f.conversation->sni, "www.example.com 1 1000");
    assert_over(&f, 1);
    feed_free(&f);
}

static void the_client_may_be_the_responder(void **state)
{
    (void)state;
    struct feed f = tls();
    struct bytes client = from_hex(TLS12_CLIENT);
    feed_data(&f, 1, client.bytes, client.length, TAPLINE_TURN, 0);
    assert_int_equal(f.conversation->count, 2);
    assert_record(&f, 0,
                  FLOW "\"sni_domain\":\"www.example.com\",\"sni_ip\":\"192.0.2.1\","
                       "\"timestamp\":1000}");
    assert_string_equal(f.conversation->sni, "www.example.com 0 1000");
    assert_string_equal(f.conversation->domain, "client.example 1 1000");
    free(client.bytes);
    feed_free(&f);
}

static void a_message_may_fill_many_records(void **state)
{
    (void)state;
    struct feed f = tls();
    struct bytes client = from_hex(TLS12_CLIENT);
    for (size_t at = 5; at < HELLO_RECORD; at++) {
        uint8_t record[] = {22, 3, 1, 0, 1, client.bytes[at]};
        feed_data(&f, 0, record, sizeof record, 0, 0);
    }
    uint8_t empty[] = {22, 3, 1, 0, 0};
    feed_data(&f, 0, empty, sizeof empty, 0, 0);
    feed_data(&f, 0, client.bytes, HELLO_RECORD, 0, 0);
    assert_int_equal(f.conversation->count, 2);
    assert_record(&f, 0, SNI("1000"));
    assert_record(&f, 1, SNI("157000"));
    free(client.bytes);
    feed_free(&f);
}

static void an_ssl_2_hello_is_passed_over(void **state)
{
    (void)state;
    /* RFC 5246, appendix E.2: version 3.1, one cipher, no session, a challenge of 16 bytes. */
    static const uint8_t hello[] = {0x80, 28, 1, 3, 1, 0, 3, 0, 0,  0,  16, 0,  0,  0x2f, 1,
                                    2,    3,  4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,   16};
    struct bytes client = from_hex(TLS12_CLIENT);
    struct feed f = tls();
    feed_stream(&f, 0, hello, sizeof hello, 7);
    assert_false(f.conversation->wanted[0]);
    feed_data(&f, 0, client.bytes, HELLO_RECORD, 0, 0);
    assert_int_equal(f.conversation->count, 1);
    feed_stream(&f, 0, hello, sizeof hello, 7); /* only the first may be one */
    assert_over(&f, 0);
    free(client.bytes);
    feed_free(&f);
}

static void an_ssl_2_server_shows_its_certificate(void **state)
{
    (void)state;
    struct bytes der = from_hex(CERTIFICATE_CLIENT);
    uint8_t hello[600] = {0x80, 0, 4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 16};
    size_t length = 13 + der.length + 3 + 16;
    hello[0] |= (uint8_t)((length - 2) >> 8);
    hello[1] = (uint8_t)(length - 2);
    hello[7] = (uint8_t)(der.length >> 8);
    hello[8] = (uint8_t)der.length;
    memcpy(hello + 13, der.bytes, der.length);
    for (size_t segment = 1; segment <= length; segment++) {
        struct feed f = tls();
        feed_stream(&f, 1, hello, length, segment);
        assert_int_equal(f.conversation->count, 1);
        assert_record(&f, 0,
                      segment == 1   ? CLIENT_CERT("3000")
                      : segment == 2 ? CLIENT_CERT("2000")
                                     : CLIENT_CERT("1000"));
        assert_over(&f, 1);
        feed_free(&f);
    }
    struct feed f = tls();
    feed_data(&f, 1, hello, 100, TAPLINE_TURN, 0);
    feed_gap(&f, 1, 10);
    assert_over(&f, 1);
    feed_free(&f);
    free(der.bytes);
}

static void what_is_declined_may_come_or_not(void **state)
{
    (void)state;
    static uint8_t record[5 + 16000] = {23, 3, 3, 16000 >> 8, 16000 & 0xff};
    struct bytes client = from_hex(TLS12_CLIENT);
    for (int comes = 0; comes < 2; comes++) {
        struct feed f = tls();
        feed_data(&f, 0, record, 100, TAPLINE_TURN, 0);
        assert_int_equal(f.conversation->want[0], TAPLINE_WANT_FROM);
        assert_int_equal(f.conversation->offset[0], sizeof record);
        if (comes)
            feed_data(&f, 0, record + 100, sizeof record - 100, 0, 0);
        f.offset[0] = sizeof record;
        feed_data(&f, 0, client.bytes, HELLO_RECORD, 0, 0);
        assert_int_equal(f.conversation->count, 1);
        feed_free(&f);
    }
    free(client.bytes);
}

static void a_gap_within_what_nobody_reads_changes_nothing(void **state)
{
    (void)state;
    static const uint8_t alert[] = {21, 3, 3, 0, 20, 1, 0};
    struct bytes client = from_hex(TLS12_CLIENT);
    struct feed f = tls();
    feed_data(&f, 0, alert, sizeof alert, TAPLINE_TURN, 0);
    feed_gap(&f, 0, 18);
    feed_data(&f, 0, client.bytes, HELLO_RECORD, 0, 0);
    assert_int_equal(f.conversation->count, 1);
    free(client.bytes);
    feed_free(&f);
}

static void a_gap_within_a_message_ends_the_direction(void **state)
{
    (void)state;
    struct bytes client = from_hex(TLS12_CLIENT);
    static const size_t places[] = {0, 3, 5, 7, 60, HELLO_RECORD - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct feed f = tls();
        if (places[i] > 0)
            feed_data(&f, 0, client.bytes, places[i], TAPLINE_TURN, 0);
        feed_gap(&f, 0, 1);
        assert_over(&f, 0);
        feed_data(&f, 0, client.bytes, HELLO_RECORD, 0, 0);
        assert_int_equal(f.conversation->count, 0);
        feed_free(&f);
    }
    free(client.bytes);
}

static void a_message_beyond_the_limit_is_passed_over(void **state)
{
    (void)state;
    struct bytes server = from_hex(TLS12_SERVER);
    struct feed f = {.protocol = &protocol_tls,
                     .conversation = fake_conversation(TRANSPORT_TCP, 443)};
    f.conversation->limits.handshake = 600; /* a protocol may ask for it once, when it begins */
    f.state = protocol_tls.open(f.conversation);
    feed_data(&f, 1, server.bytes, server.length, TAPLINE_TURN, 0);
    assert_int_equal(f.conversation->count, 0);
    assert_over(&f, 1);
    feed_close(&f);
    assert_int_equal(f.conversation->costs[COST_HANDSHAKE], 1);
    free(server.bytes);
    feed_free(&f);
}

static void a_chain_is_kept_up_to_the_limit(void **state)
{
    (void)state;
    struct bytes server = from_hex(TLS12_SERVER);
    struct feed f = tls();
    f.conversation->limits.chain = 1;
    feed_data(&f, 1, server.bytes, server.length, TAPLINE_TURN, 0);
    assert_int_equal(f.conversation->count, 1);
    assert_non_null(strstr(f.conversation->records[0].text, "\"chain\":[<460>]"));
    assert_int_equal(f.conversation->costs[COST_CHAIN], 1);
    free(server.bytes);
    feed_free(&f);
}

static void early_data_is_looked_behind_for_a_while(void **state)
{
    (void)state;
    static const uint8_t record[] = {23, 3, 3, 0, 4, 1, 2, 3, 4};
    struct bytes client = from_hex(TLS13_CLIENT);
    for (int records = 64; records <= 65; records++) {
        struct feed f = tls();
        for (int i = 0; i < records; i++)
            feed_data(&f, 0, record, sizeof record, 0, 0);
        feed_data(&f, 0, client.bytes, 249, 0, 0);
        assert_int_equal(f.conversation->count, records == 64);
        feed_free(&f);
    }
    free(client.bytes);
}

static void what_is_no_tls_ends_the_direction(void **state)
{
    (void)state;
    static const char *const starts[] = {
        "160401000401000000",             /* version 4.1 */
        "16030148010100",                 /* a record longer than any */
        "1903010001ff",                   /* no such content type */
        "160301000201001503010002",       /* an alert within a handshake message */
        "1403010001011603010004ff000000", /* sealed, and no hello */
        "474554202f",                     /* GET / */
    };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct bytes start = from_hex(starts[i]);
        struct feed f = tls();
        feed_stream(&f, 0, start.bytes, start.length, 1);
        assert_over(&f, 0);
        feed_free(&f);
        free(start.bytes);
    }
}

static void certificate_lists_may_be_odd(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        unsigned records;
    } lists[] = {
        {"16030300070b000003000000", 0},           /* none: a client without one */
        {"160303000b0b000007000004000001aa", 1},   /* no certificate, but bytes */
        {"160303000b0b000007000004000002aa", 0},   /* breaks off within the leaf */
        {"160303000c0b000008000005000001aa01", 1}, /* ... behind it */
        {"160303000b0b0000070000ff000001aa", 1},   /* the list says that it is longer */
        {"16030300040b000000", 0},                 /* no list */
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct bytes list = from_hex(lists[i].hex);
        struct feed f = tls();
        feed_stream(&f, 1, list.bytes, list.length, 3);
        assert_int_equal(f.conversation->count, lists[i].records);
        if (lists[i].records)
            assert_non_null(strstr(f.conversation->records[0].text, "\"domains\":[]"));
        assert_string_equal(f.conversation->domain, "");
        feed_free(&f);
        free(list.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tls_1_2_session_names_both_certificates),
        cmocka_unit_test(the_time_is_that_of_the_first_byte),
        cmocka_unit_test(segments_of_any_size_give_the_same),
        cmocka_unit_test(a_stream_may_be_cut_at_every_byte),
        cmocka_unit_test(tls_1_3_is_over_for_the_server_after_its_hello),
        cmocka_unit_test(a_second_hello_after_a_retry_counts),
        cmocka_unit_test(the_client_may_be_the_responder),
        cmocka_unit_test(a_message_may_fill_many_records),
        cmocka_unit_test(an_ssl_2_hello_is_passed_over),
        cmocka_unit_test(an_ssl_2_server_shows_its_certificate),
        cmocka_unit_test(what_is_declined_may_come_or_not),
        cmocka_unit_test(a_gap_within_what_nobody_reads_changes_nothing),
        cmocka_unit_test(a_gap_within_a_message_ends_the_direction),
        cmocka_unit_test(a_message_beyond_the_limit_is_passed_over),
        cmocka_unit_test(a_chain_is_kept_up_to_the_limit),
        cmocka_unit_test(early_data_is_looked_behind_for_a_while),
        cmocka_unit_test(what_is_no_tls_ends_the_direction),
        cmocka_unit_test(certificate_lists_may_be_odd),
    };
    return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
