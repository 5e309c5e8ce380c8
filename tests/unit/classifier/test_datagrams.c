/* UDP: types, identifiers, and what the extractor gets of DNS and QUIC. */
#include "tests/unit/classifier/payloads.h"
#include "tests/unit/classifier/scene.h"

static const char *const WXY = "deploy/platforms/wxy.json";
static const char QUERY[] = "\0\1\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1";
static const char ANSWER[] = "\0\1\x81\x80\0\1\0\1\0\0\0\0\7example\3com\0\0\1\0\1"
                             "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1";
enum { QUERY_LENGTH = sizeof QUERY - 1, ANSWER_LENGTH = sizeof ANSWER - 1 };

static void datagram(struct scene *s, int direction, const struct payload_bytes *p)
{
    scene_data(s, direction, p->bytes, p->length);
}

/* Rank decides the type, not time; every identifier stays. */
static void rank_not_time(void **state)
{
    (void)state;
    static const char *const ranks[] = {"xunlei", "stun", "toutiao", "BitTorrent"};
    struct payload_bytes ladder[4] = {payload_xunlei(ID_A, 9, 40),
                                      {0},
                                      payload_toutiao("v.toutiaovod.com", 50, 80),
                                      payload_torrent(PEER_A, 20)};
    payload_stun(&ladder[1], 0xe002, "{\"k\":1}", 7);
    for (int count = 1; count <= 4; count++) {
        for (int backwards = 0; backwards < 2; backwards++) {
            struct scene s = scene_new(WXY);
            char type[64];
            scene_open(&s, TRANSPORT_UDP);
            for (int i = 0; i < count; i++)
                datagram(&s, 0, &ladder[backwards ? count - 1 - i : i]);
            scene_close(&s);
            snprintf(type, sizeof type, "{\"protocol_type\"=>\"%s\"", ranks[count - 1]);
            assert_memory_equal(s.notes, type, strlen(type));
            assert_non_null(strstr(s.notes, "\"xunlei_id_1\"=>\"" ID_A "\""));
            assert_true((strstr(s.notes, "stun_values") != NULL) == (count > 1));
            assert_true((strstr(s.notes, "toutiao_value") != NULL) == (count > 2));
            assert_true((strstr(s.notes, "bit_peer_id_1") != NULL) == (count > 3));
            scene_end(&s);
        }
    }
}

static void the_first_sighting_stays(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    struct payload_bytes first = payload_toutiao("one.toutiaovod.com", 30, 80);
    struct payload_bytes later = payload_toutiao("two.toutiaovod.com", 50, 80);
    scene_open(&s, TRANSPORT_UDP);
    datagram(&s, 1, &first);
    datagram(&s, 0, &later);
    datagram(&s, 1, &later);
    scene_close(&s);
    assert_string_equal(s.notes,
                        "{\"protocol_type\"=>\"toutiao\", \"toutiao_ip\"=>\"192.0.2.2\", "
                        "\"toutiao_value\"=>\"one.toutiaovod.com\", \"toutiao_location\"=>30}");
    scene_end(&s);
}

static void datagrams_are_probed_in_each_direction(void **state)
{
    (void)state;
    for (int before = 255; before <= 256; before++) {
        struct scene s = scene_new(WXY);
        struct payload_bytes id = payload_xunlei(ID_A, 9, 40);
        scene_open(&s, TRANSPORT_UDP);
        for (int i = 0; i < before; i++) {
            scene_text(&s, 0, "x");
            scene_text(&s, 1, "y");
        }
        datagram(&s, 0, &id);
        scene_close(&s);
        assert_true((s.notes[0] != '\0') == (before == 255));
        scene_end(&s);
    }
}

static void stun_values(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    s.capture.limits.stun_values = 3;
    struct payload_bytes one = {0}, same = {0}, two = {0}, more = {0};
    payload_stun(&one, 0xe002, "{\"a\":1,\"b\":[true,null]}", 23);
    payload_stun(&same, 0xe002, "{\"b\":[true,null], \"a\":1}", 24);
    payload_stun(&two, 0x8022, "agent", 5);
    payload_stun(&two, 0xe002, "{\"data_ip\":\"theirs\",\"x\":{\"y\":-1.5}}", 35);
    payload_stun(&two, 0xe002, "[1]", 3);
    payload_stun(&more, 0xe002, "{}", 2);
    scene_open(&s, TRANSPORT_UDP);
    datagram(&s, 0, &one);
    datagram(&s, 0, &one);
    datagram(&s, 0, &same);
    datagram(&s, 1, &same);
    datagram(&s, 1, &two);
    datagram(&s, 1, &more);
    scene_close(&s);
    assert_string_equal(s.notes, "{\"protocol_type\"=>\"stun\", \"stun_values\"=>["
                                 "{\"a\"=>1, \"b\"=>[true, nil], \"data_ip\"=>\"192.0.2.1\"}, "
                                 "{\"b\"=>[true, nil], \"a\"=>1, \"data_ip\"=>\"192.0.2.2\"}, "
                                 "{\"x\"=>{\"y\"=>-1.500000}, \"data_ip\"=>\"192.0.2.2\"}]}");
    scene_end(&s);
}

static void stun_without_a_value(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    struct payload_bytes p = {0};
    payload_stun(&p, 0x0020, "\0\1\2\3\4\5\6\7", 8);
    payload_stun(&p, 0xe002, "17", 2);
    scene_open(&s, TRANSPORT_UDP);
    datagram(&s, 0, &p);
    scene_close(&s);
    assert_string_equal(s.notes, "");
    scene_end(&s);
}

/* Every answer of a conversation that is nothing but DNS goes on, however long it is. */
static void dns_without_end(void **state)
{
    (void)state;
    struct scene s = scene_new(NULL);
    s.port = 53;
    s.capture.limits.probe_datagrams = 2;
    scene_open(&s, TRANSPORT_UDP);
    scene_data(&s, 0, QUERY, QUERY_LENGTH);
    scene_behind(&s, "");
    for (int i = 0; i < 10; i++) {
        scene_data(&s, 1, ANSWER, ANSWER_LENGTH);
        scene_data(&s, 0, QUERY, QUERY_LENGTH);
    }
    assert_memory_equal(s.behind.bytes, "x open 4\n", 9);
    scene_told(&s, "");
    scene_text(&s, 0, "now something else");
    scene_told(&s, "0 nothing 12\n");
    scene_data(&s, 1, ANSWER, ANSWER_LENGTH);
    scene_told(&s, "1 nothing 11\n");
    scene_close(&s);
    assert_int_equal(s.trail.received, 23);
    assert_int_equal(s.trail.sent, 10);
    assert_string_equal(s.notes, "");
    scene_end(&s);
}

/* A conversation of which every packet was DNS is noted to be that, with and without answers. */
static void nothing_but_dns(void **state)
{
    (void)state;
    for (int answers = 0; answers <= 2; answers++) {
        struct scene s = scene_new(NULL);
        scene_open(&s, TRANSPORT_UDP);
        scene_data(&s, 0, QUERY, QUERY_LENGTH);
        for (int i = 0; i < answers; i++)
            scene_data(&s, 1, ANSWER, ANSWER_LENGTH);
        scene_close(&s);
        assert_string_equal(s.notes, "{\"dns_only\"=>true}");
        assert_int_equal(s.trail.sent, answers);
        scene_end(&s);
    }
}

static void an_empty_packet_is_no_dns(void **state)
{
    (void)state;
    struct scene s = scene_new(NULL);
    scene_open(&s, TRANSPORT_UDP);
    scene_data(&s, 1, ANSWER, ANSWER_LENGTH);
    scene_empty(&s);
    scene_close(&s);
    assert_string_equal(s.notes, "");
    scene_end(&s);
}

/* A message that breaks a rule goes on where a port says that it is DNS. */
static void broken_dns(void **state)
{
    (void)state;
    for (int hint = 0; hint <= 1; hint++) {
        struct scene s = scene_new(NULL);
        char broken[sizeof ANSWER];
        memcpy(broken, ANSWER, sizeof ANSWER);
        broken[ANSWER_LENGTH - 5] = 99; /* its address is longer than the message */
        s.port = hint ? 5353 : 9999;
        scene_open(&s, TRANSPORT_UDP);
        scene_data(&s, 1, ANSWER, ANSWER_LENGTH);
        scene_data(&s, 1, broken, ANSWER_LENGTH);
        scene_close(&s);
        assert_int_equal(s.trail.sent, 1 + hint);
        assert_string_equal(s.notes, "");
        scene_end(&s);
    }
}

/* In company DNS is looked for where signatures are. */
static void dns_in_company(void **state)
{
    (void)state;
    struct scene s = scene_new(NULL);
    s.capture.limits.probe_datagrams = 4;
    scene_open(&s, TRANSPORT_UDP);
    scene_text(&s, 0, "hello");
    for (int i = 0; i < 5; i++)
        scene_data(&s, 0, ANSWER, ANSWER_LENGTH);
    scene_close(&s);
    scene_behind(&s, "x open 4\nx data 0 @1 +45 f0 t20 p2\nx data 0 @2 +45 f0 t30 p3\n"
                     "x data 0 @3 +45 f0 t40 p4\nx close\n");
    scene_told(&s, "0 nothing 4\n");
    scene_end(&s);
}

static const char initial[] = "\xc3\0\0\0\1\x08"
                              "12345678"
                              "\0"
                              "\0"
                              "\x44\x9e";

/* Before QUIC was seen of one side the other was declined, whatever comes of it later. */
static void what_was_declined_stays_so(void **state)
{
    (void)state;
    struct scene s = scene_new(NULL);
    s.capture.limits.probe_datagrams = 2;
    scene_open(&s, TRANSPORT_UDP);
    scene_text(&s, 0, "a");
    scene_text(&s, 0, "b");
    scene_told(&s, "0 nothing 2\n");
    scene_data(&s, 1, initial, sizeof initial - 1);
    scene_text(&s, 0, "c");
    scene_behind(&s, "x open 8\nx data 1 @0 +18 f1 t30 p3\n");
    scene_close(&s);
    scene_end(&s);
}

static void quic(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    s.capture.limits.probe_datagrams = 2;
    scene_open(&s, TRANSPORT_UDP);
    scene_data(&s, 0, initial, sizeof initial - 1);
    scene_text(&s, 0, "more");
    scene_text(&s, 0, "and more");
    scene_behind(&s, "x open 8\nx data 0 @0 +18 f1 t10 p1\nx data 0 @1 +4 f0 t20 p2\n"
                     "x data 0 @2 +8 f0 t30 p3\n");
    scene_told(&s, "");
    scene_want(&s, 0, TAPLINE_WANT_NOTHING, 3);
    scene_told(&s, "0 nothing 3\n");
    scene_want(&s, 1, TAPLINE_WANT_NOTHING, 0);
    scene_text(&s, 1, "a");
    scene_told(&s, "");
    scene_text(&s, 1, "b");
    scene_told(&s, "1 nothing 2\n");
    scene_close(&s);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rank_not_time),
        cmocka_unit_test(the_first_sighting_stays),
        cmocka_unit_test(datagrams_are_probed_in_each_direction),
        cmocka_unit_test(stun_values),
        cmocka_unit_test(stun_without_a_value),
        cmocka_unit_test(dns_without_end),
        cmocka_unit_test(nothing_but_dns),
        cmocka_unit_test(an_empty_packet_is_no_dns),
        cmocka_unit_test(broken_dns),
        cmocka_unit_test(dns_in_company),
        cmocka_unit_test(what_was_declined_stays_so),
        cmocka_unit_test(quic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
