/* DNS over UDP and TCP: which responses give a record, and what stands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/extractor/feed.h"

#define FLOW "{\"ip_port\":\"192.0.2.1-40000-198.51.100.2-53\","
#define ANSWER(domains, ips, time)                                                                 \
    FLOW "\"dns_domain\":[" domains "],\"dns_ip\":[" ips "],\"timestamp\":" time "}"
#define WWW(time)                                                                                  \
    ANSWER("\"www.example.com\",\"cdn.example.net\"", "\"192.0.2.7\",\"2001:db8::7\"", time)

/* A message that is being written. */
struct writer {
    uint8_t bytes[70000];
    size_t length;
};

enum { A = 1, CNAME = 5, TXT = 16, AAAA = 28, IN = 1, FLUSH = 0x8000, RESPONSE = 0x8180 };

static void put(struct writer *w, const void *bytes, size_t length)
{
    memcpy(w->bytes + w->length, bytes, length);
    w->length += length;
}

static void put16(struct writer *w, unsigned value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(w, bytes, sizeof bytes);
}

/* Labels parted by dots; a last "@N" is a pointer to byte N. */
static void put_name(struct writer *w, const char *name)
{
    while (*name && *name != '@') {
        size_t label = strcspn(name, ".@");
        uint8_t length = (uint8_t)label;
        put(w, &length, 1);
        put(w, name, label);
        name += label + (name[label] == '.');
    }
    if (*name == '@')
        put16(w, 0xc000u | (unsigned)atoi(name + 1));
    else
        put(w, "", 1);
}

/* The header, and one question of type A. */
static void put_head(struct writer *w, unsigned flags, unsigned answers, const char *question)
{
    w->length = 0;
    put16(w, 0x1234);
    put16(w, flags);
    put16(w, 1);
    put16(w, answers);
    put16(w, 0);
    put16(w, 0);
    put_name(w, question);
    put16(w, A);
    put16(w, IN);
}

static void put_record(struct writer *w, const char *owner, unsigned type, unsigned class,
                       const void *data, size_t length)
{
    put_name(w, owner);
    put16(w, type);
    put16(w, class);
    put16(w, 0);
    put16(w, 60);
    put16(w, (unsigned)length);
    put(w, data, length);
}

static const uint8_t ADDRESS_4[] = {192, 0, 2, 7};
static const uint8_t ADDRESS_6[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};

/* www.example.com is a CNAME of cdn.example.net, which has an address of each kind, one twice. */
static void put_www(struct writer *w)
{
    struct writer target = {.length = 0};
    put_head(w, RESPONSE, 4, "www.example.com");
    put_name(&target, "cdn.example.net");
    put_record(w, "@12", CNAME, IN, target.bytes, target.length);
    put_record(w, "@45", A, IN, ADDRESS_4, sizeof ADDRESS_4);
    put_record(w, "@45", AAAA, IN, ADDRESS_6, sizeof ADDRESS_6);
    put_record(w, "@45", A, IN, ADDRESS_4, sizeof ADDRESS_4);
}

static struct feed dns(uint8_t transport)
{
    return feed_open(&protocol_dns, transport, 53);
}

static void feed_message(struct feed *f, int side, const struct writer *w)
{
    feed_data(f, side, w->bytes, w->length, 0, 0);
}

static void assert_record(const struct feed *f, unsigned index, const char *text)
{
    assert_true(index < f->conversation->count);
    assert_string_equal(f->conversation->records[index].text, text);
}

static void a_response_gives_names_and_addresses(void **state)
{
    (void)state;
    struct writer w;
    struct feed f = dns(TRANSPORT_UDP);
    put_head(&w, 0x0100, 0, "www.example.com");
    feed_message(&f, 0, &w);
    assert_int_equal(f.conversation->count, 0);
    put_www(&w);
    feed_message(&f, 1, &w);
    assert_int_equal(f.conversation->count, 1);
    assert_record(&f, 0, WWW("2000"));
    assert_int_equal(f.conversation->records[0].record, TAPLINE_RECORD_DNS);
    assert_int_equal(f.conversation->records[0].packet, 2);
    feed_close(&f);
    feed_free(&f);
}

static void a_response_without_an_answer_gives_none(void **state)
{
    (void)state;
    struct writer w;
    struct feed f = dns(TRANSPORT_UDP);
    put_head(&w, 0x8183, 0, "nowhere.example");
    feed_message(&f, 1, &w);
    put_head(&w, 0xa800, 1, "update.example"); /* an update counts other things there */
    put_record(&w, "@12", A, IN, ADDRESS_4, sizeof ADDRESS_4);
    feed_message(&f, 1, &w);
    assert_int_equal(f.conversation->count, 0);
    feed_free(&f);
}

static void names_are_text(void **state)
{
    (void)state;
    static const uint8_t mixed[] = {4,   'a', '.', '\\', 7, 9,   'L',  'i',  'v', 'i',  'n',
                                    'g', ' ', '"', 'B',  3, 'f', 0xc3, 0xbc, 1,   0xff, 0};
    struct writer w;
    struct feed f = dns(TRANSPORT_UDP);
    put_head(&w, RESPONSE, 2, "");
    put(&w, mixed, sizeof mixed);
    put(&w, "\0\x10\0\1\0\0\0\x3c\0\0", 10); /* TXT IN, 60 s, nothing */
    put_record(&w, "", TXT, IN | FLUSH, "", 0);
    feed_message(&f, 1, &w);
    /* What is no UTF-8 is dropped, and its label left empty. */
    assert_record(&f, 0, ANSWER("\"a\\.\\\\\\007.Living \"B.f\xc3\xbc.\",\".\"", "", "1000"));
    feed_free(&f);
}

static void only_addresses_of_the_internet_count(void **state)
{
    (void)state;
    struct writer w;
    struct feed f = dns(TRANSPORT_UDP);
    put_head(&w, RESPONSE, 4, "a.example");
    put_record(&w, "@12", A, 3, ADDRESS_4, sizeof ADDRESS_4);
    put_record(&w, "@12", A, IN, ADDRESS_4, 3);
    put_record(&w, "@12", AAAA, IN, ADDRESS_4, sizeof ADDRESS_4);
    put_record(&w, "@12", A, IN | FLUSH, ADDRESS_4, sizeof ADDRESS_4);
    feed_message(&f, 1, &w);
    assert_record(&f, 0, ANSWER("\"a.example\"", "\"192.0.2.7\"", "1000"));
    feed_free(&f);
}

static void what_the_snap_length_left_is_taken(void **state)
{
    (void)state;
    struct writer w;
    put_www(&w);
    for (size_t length = 0; length < w.length; length++) {
        struct feed f = dns(TRANSPORT_UDP);
        feed_data(&f, 1, w.bytes, length, 0, (uint32_t)(w.length - length));
        bool first = length >= 33 + 29, last = length >= w.length - 16;
        assert_int_equal(f.conversation->count, first ? 1 : 0);
        if (first && !last)
            assert_null(strstr(f.conversation->records[0].text, "2001:db8"));
        if (last)
            assert_record(&f, 0, WWW("1000"));
        feed_free(&f);
    }
}

static void many_answers_are_each_listed_once(void **state)
{
    (void)state;
    struct writer w;
    struct feed f = dns(TRANSPORT_UDP);
    put_head(&w, RESPONSE, 2000, "many.example");
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t address[4] = {10, 0, (uint8_t)(i % 1000 >> 8), (uint8_t)(i % 1000)};
        put_record(&w, "@12", A, IN, address, sizeof address);
    }
    feed_message(&f, 1, &w);
    const char *text = f.conversation->records[0].text;
    assert_non_null(strstr(text, "\"dns_domain\":[\"many.example\"],\"dns_ip\":[\"10.0.0.0\","));
    assert_non_null(strstr(text, "\"10.0.0.99\",\"10.0.0.100\""));
    assert_null(strstr(strstr(text, "\"10.0.0.1\"") + 1, "\"10.0.0.1\""));
    feed_free(&f);
}

static void a_datagram_that_is_no_dns_says_nothing(void **state)
{
    (void)state;
    struct writer w;
    struct feed f = dns(TRANSPORT_UDP);
    put_www(&w);
    feed_message(&f, 1, &w);
    feed_data(&f, 0, "not DNS at all", 14, 0, 0);
    feed_message(&f, 1, &w);
    assert_int_equal(f.conversation->count, 2);
    feed_close(&f);
    feed_free(&f);
}

static void a_broken_response_answers_up_to_there(void **state)
{
    (void)state;
    struct writer w, name = {.length = 0};
    for (int i = 0; i < 5; i++)
        put(&name,
            "\x3f"
            "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg",
            64);
    put(&name, "", 1);
    put_head(&w, RESPONSE, 3, "www.example");
    w.bytes[5] = 2; /* a second question, with a name longer than any may be */
    put(&w, name.bytes, name.length);
    put(&w, "\0\1\0\1", 4);
    put_record(&w, "@12", A, IN, ADDRESS_4, sizeof ADDRESS_4);
    put_record(&w, "@12", CNAME, IN, name.bytes, name.length);
    put_record(&w, "@29", A, IN, ADDRESS_4, sizeof ADDRESS_4);
    struct feed f = dns(TRANSPORT_UDP);
    feed_message(&f, 1, &w);
    assert_record(&f, 0, ANSWER("\"www.example\"", "\"192.0.2.7\"", "1000"));
    feed_close(&f);
    feed_free(&f);
}

static void compression_cannot_loop(void **state)
{
    (void)state;
    static const char *const pointers[] = {"@29", "@200", "a@29"};
    struct writer w;
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        struct feed f = dns(TRANSPORT_UDP);
        put_head(&w, RESPONSE, 1, "www.example");
        put_record(&w, pointers[i], A, IN, ADDRESS_4, sizeof ADDRESS_4);
        feed_message(&f, 1, &w);
        assert_int_equal(f.conversation->count, 0);
        feed_free(&f);
    }
}

/* The message behind its length, as TCP carries it. */
static struct writer framed(void)
{
    struct writer message, w = {.length = 0};
    put_www(&message);
    put16(&w, (unsigned)message.length);
    put(&w, message.bytes, message.length);
    return w;
}

static void a_stream_may_be_cut_anywhere(void **state)
{
    (void)state;
    struct writer one = framed(), two = framed();
    put(&two, one.bytes, one.length);
    for (size_t segment = 1; segment <= two.length; segment++) {
        struct feed f = dns(TRANSPORT_TCP);
        feed_stream(&f, 1, two.bytes, two.length, segment);
        assert_false(f.holds);
        assert_int_equal(f.conversation->count, 2);
        char second[400];
        unsigned packet = (unsigned)((one.length + 2) / segment) + 1;
        snprintf(second, sizeof second, WWW("%u000"), packet);
        assert_record(&f, 0, segment == 1 ? WWW("3000") : segment == 2 ? WWW("2000") : WWW("1000"));
        assert_record(&f, 1, second);
        feed_close(&f);
        feed_free(&f);
    }
}

/* No tracker says so, but another's may. */
static void a_gap_between_datagrams_loses_nothing(void **state)
{
    (void)state;
    struct writer w;
    struct feed f = dns(TRANSPORT_UDP);
    put_www(&w);
    feed_gap(&f, 1, 10);
    feed_message(&f, 1, &w);
    assert_int_equal(f.conversation->count, 1);
    feed_close(&f);
    feed_free(&f);
}

static void after_a_gap_the_next_turn_is_waited_for(void **state)
{
    (void)state;
    struct writer w = framed();
    struct feed f = dns(TRANSPORT_TCP);
    feed_data(&f, 1, w.bytes, 50, TAPLINE_TURN, 0);
    feed_gap(&f, 1, 10);
    assert_false(f.holds);
    assert_int_equal(f.conversation->want[1], TAPLINE_WANT_TURN);
    assert_int_equal(f.conversation->offset[1], 60);
    feed_data(&f, 1, w.bytes, w.length, 0, 0);
    assert_int_equal(f.conversation->count, 0);
    feed_data(&f, 1, w.bytes, w.length, TAPLINE_TURN, 0);
    assert_int_equal(f.conversation->count, 1);
    feed_data(&f, 1, w.bytes, w.length, 0, 0);
    assert_int_equal(f.conversation->count, 2);
    feed_free(&f);
}

static void what_is_no_message_loses_the_framing(void **state)
{
    (void)state;
    static const uint8_t junk[] = {0, 3, 1, 2, 3}, empty[] = {0, 0};
    struct writer w = framed();
    struct feed f = dns(TRANSPORT_TCP);
    feed_data(&f, 1, junk, sizeof junk, TAPLINE_TURN, 0);
    assert_int_equal(f.conversation->want[1], TAPLINE_WANT_TURN);
    feed_data(&f, 1, w.bytes, w.length, 0, 0);
    assert_int_equal(f.conversation->count, 0);
    feed_data(&f, 1, empty, sizeof empty, TAPLINE_TURN, 0);
    feed_data(&f, 1, w.bytes, w.length, 0, 0);
    assert_int_equal(f.conversation->count, 0);
    feed_data(&f, 1, w.bytes, w.length, TAPLINE_TURN, 0);
    assert_int_equal(f.conversation->count, 1);
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_gives_names_and_addresses),
        cmocka_unit_test(a_response_without_an_answer_gives_none),
        cmocka_unit_test(names_are_text),
        cmocka_unit_test(only_addresses_of_the_internet_count),
        cmocka_unit_test(what_the_snap_length_left_is_taken),
        cmocka_unit_test(many_answers_are_each_listed_once),
        cmocka_unit_test(a_datagram_that_is_no_dns_says_nothing),
        cmocka_unit_test(a_broken_response_answers_up_to_there),
        cmocka_unit_test(compression_cannot_loop),
        cmocka_unit_test(a_stream_may_be_cut_anywhere),
        cmocka_unit_test(a_gap_between_datagrams_loses_nothing),
        cmocka_unit_test(after_a_gap_the_next_turn_is_waited_for),
        cmocka_unit_test(what_is_no_message_loses_the_framing),
    };
    return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
