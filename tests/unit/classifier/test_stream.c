/* TCP: what is recognised, wherever segments are cut, and what the extractor then gets. */
#include "tests/unit/classifier/payloads.h"
#include "tests/unit/classifier/scene.h"

static const char *const WXY = "deploy/platforms/wxy.json";
static const char *const REQUEST = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
static const char *const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static const char HELLO[] =
    "\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03 and what else is in a hello";

static void http_is_handed_on(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    scene_open(&s, TRANSPORT_TCP);
    scene_text(&s, 0, REQUEST);
    scene_text(&s, 1, ANSWER);
    scene_gap(&s, 1, 100);
    scene_text(&s, 0, "\0");
    scene_close(&s);
    scene_behind(&s, "x open 1\nx data 0 @0 +28 f1 t10 p1\nx data 1 @0 +40 f1 t20 p2\n"
                     "x gap 1 @40 +100\nx data 0 @28 +0 f1 t30 p3\nx close\n");
    assert_string_equal(s.notes, "{\"protocol_type\"=>\"http\"}");
    assert_int_equal(s.trail.role, TAPLINE_CLASSIFIER);
    assert_int_equal(s.trail.received, 4);
    assert_int_equal(s.trail.sent, 4);
    scene_end(&s);
}

static void empty_lines_ahead_of_a_start_line(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    scene_open(&s, TRANSPORT_TCP);
    scene_text(&s, 0, "\r\n\nGET /a HT");
    scene_text(&s, 0, "TP/1.1\r\n\r\n");
    scene_close(&s);
    scene_behind(&s, "x open 1\nx data 0 @0 +12 f1 t10 p1\nx data 0 @12 +10 f0 t20 p2\nx close\n");
    scene_end(&s);
    s = scene_new(WXY);
    scene_open(&s, TRANSPORT_TCP);
    scene_text(&s, 0, "\r\n");
    scene_text(&s, 0, REQUEST);
    scene_close(&s);
    scene_behind(&s, "x open 1\nx data 0 @2 +28 f0 t20 p2\nx close\n");
    scene_end(&s);
}

static void tls_is_handed_on(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    scene_open(&s, TRANSPORT_TCP);
    scene_data(&s, 0, HELLO, sizeof HELLO);
    scene_close(&s);
    scene_behind(&s, "x open 2\nx data 0 @0 +40 f1 t10 p1\nx close\n");
    assert_string_equal(s.notes, "{\"protocol_type\"=>\"https\"}");
    scene_end(&s);
}

static void nothing_is_handed_on_otherwise(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    scene_open(&s, TRANSPORT_TCP);
    scene_text(&s, 1, "SSH-2.0-OpenSSH_9.2\r\n");
    scene_text(&s, 0, "SSH-2.0-OpenSSH_9.3\r\n");
    scene_close(&s);
    scene_behind(&s, "s close\n");
    assert_string_equal(s.notes, "");
    assert_int_equal(s.trail.received, 2);
    assert_int_equal(s.trail.sent, 0);
    scene_end(&s);
}

/* Whatever was held is handed on with its own offsets, times and packets. */
static void cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < strlen(REQUEST); cut++) {
        struct scene s = scene_new(WXY);
        char behind[256];
        scene_open(&s, TRANSPORT_TCP);
        scene_data(&s, 0, REQUEST, cut);
        scene_data(&s, 0, REQUEST + cut, strlen(REQUEST) - cut);
        scene_close(&s);
        assert_int_equal(s.kept_ns, 20); /* nothing was held any more */
        snprintf(behind, sizeof behind,
                 "x open 1\nx data 0 @0 +%zu f1 t10 p1\nx data 0 @%zu +%zu f0 t20 p2\nx close\n",
                 cut, cut, strlen(REQUEST) - cut);
        scene_behind(&s, behind);
        assert_int_equal(s.sent[0].length, strlen(REQUEST));
        assert_memory_equal(s.sent[0].bytes, REQUEST, strlen(REQUEST));
        scene_end(&s);
    }
}

/* A segment that only signatures wait for will not become a record by itself. */
static void what_is_held_for_signatures_holds_no_mark(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    static const uint8_t zeros[20];
    scene_open(&s, TRANSPORT_TCP);
    scene_data(&s, 0, zeros, sizeof zeros);
    scene_empty(&s);
    scene_data(&s, 1, "GE", 2); /* which may be HTTP */
    scene_empty(&s);
    assert_int_equal(s.kept_ns, 30);
    scene_close(&s);
    assert_int_equal(s.kept_ns, 30);
    scene_end(&s);
}

/* The same bytes from one direction, cut into segments of every size, give the same notes. */
static void any_size_of_segment(void **state)
{
    (void)state;
    struct payload_bytes payloads[] = {
        payload_torrent(PEER_A, 0),   payload_xunlei(ID_A, 51, 68), payload_xunlei(ID_A, 51, 67),
        payload_xunlei(ID_A, 14, 31), payload_xunlei(ID_A, 14, 30),
    };
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        const struct payload_bytes *p = &payloads[i];
        char whole[SCENE_LINE];
        for (size_t size = p->length; size > 0; size--) {
            struct scene s = scene_new(WXY);
            s.capture.limits.probe_segments = 128;
            scene_open(&s, TRANSPORT_TCP);
            for (size_t at = 0; at < p->length; at += size)
                scene_data(&s, 0, p->bytes + at, size < p->length - at ? size : p->length - at);
            scene_close(&s);
            if (size == p->length)
                strcpy(whole, s.notes);
            assert_string_equal(s.notes, whole);
            scene_end(&s);
        }
    }
}

/* The other direction's half of a start line travels, too, in the order in which it came. */
static void both_directions_were_held(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    scene_open(&s, TRANSPORT_TCP);
    scene_text(&s, 1, "plain");
    scene_text(&s, 0, "GET /a");
    scene_text(&s, 1, "HTTP/1.1 4");
    scene_text(&s, 0, "bc");
    scene_behind(&s, "");
    scene_text(&s, 1, "08 Timeout\r\n");
    scene_behind(&s, "x open 1\nx data 0 @0 +6 f1 t20 p2\nx data 1 @5 +10 f1 t30 p3\n"
                     "x data 0 @6 +2 f1 t40 p4\nx data 1 @15 +12 f1 t50 p5\n");
    scene_text(&s, 0, " HTTP/1.1\r\n");
    scene_behind(&s, "x data 0 @8 +11 f1 t60 p6\n");
    scene_close(&s);
    assert_int_equal(s.trail.sent, s.trail.received - 1);
    scene_end(&s);
}

static void a_gap_decides(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    struct payload_bytes id = payload_xunlei(ID_A, 14, 40);
    scene_open(&s, TRANSPORT_TCP);
    scene_data(&s, 0, id.bytes, id.length); /* may yet be over 67 bytes long */
    scene_gap(&s, 0, 10);
    scene_text(&s, 0, "GET /a HT");
    scene_gap(&s, 0, 10);
    scene_text(&s, 0, "TP/1.1\r\n");
    scene_close(&s);
    scene_behind(&s, "s close\n");
    assert_string_equal(s.notes, "{\"protocol_type\"=>\"xunlei\", \"xunlei_ip_1\"=>\"192.0.2.1\", "
                                 "\"xunlei_id_1\"=>\"" ID_A "\"}");
    scene_end(&s);
}

/* The earlier place counts, also where it is decided later. */
static void the_first_in_the_stream_stays(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    struct payload_bytes id = payload_xunlei(ID_A, 14, 40);
    struct payload_bytes torrent = payload_torrent(PEER_A, 0);
    scene_open(&s, TRANSPORT_TCP);
    scene_data(&s, 0, id.bytes, id.length);
    scene_data(&s, 1, torrent.bytes, torrent.length);
    scene_text(&s, 0, REQUEST); /* decides the first; is handed on, and names nothing */
    scene_close(&s);
    scene_behind(&s, "x open 1\nx data 0 @40 +28 f1 t30 p3\nx close\n");
    assert_string_equal(s.notes, "{\"protocol_type\"=>\"xunlei\", \"xunlei_ip_1\"=>\"192.0.2.1\", "
                                 "\"xunlei_id_1\"=>\"" ID_A "\"}");
    scene_end(&s);
}

static void http_comes_before_signatures(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    struct payload_bytes both = payload_plain(80);
    payload_put(&both, 0, "GET /aaaaaaaa", 13);
    memset(both.bytes + 13, 0x80, 60);
    payload_put(&both, 50, "\0" ID_A, 17);
    /* A NUL ends what may be a target: this is no request. */
    scene_open(&s, TRANSPORT_TCP);
    scene_data(&s, 0, both.bytes, both.length);
    scene_close(&s);
    assert_non_null(strstr(s.notes, "xunlei"));
    scene_behind(&s, "s close\n");
    /* The same bytes behind a start line: http. */
    struct payload_bytes line = payload_xunlei(ID_A, 51, 80);
    payload_put(&line, 0, "GET / HTTP/1.1\r\n", 16);
    scene_open(&s, TRANSPORT_TCP);
    scene_data(&s, 0, line.bytes, line.length);
    scene_close(&s);
    assert_string_equal(s.notes, "{\"protocol_type\"=>\"http\"}");
    scene_end(&s);
}

static void both_peers(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    struct payload_bytes a = payload_torrent(PEER_A, 0), b = payload_torrent(PEER_B, 0);
    struct payload_bytes id = payload_xunlei(ID_A, 14, 40);
    scene_open(&s, TRANSPORT_TCP);
    scene_data(&s, 1, b.bytes, b.length);
    scene_data(&s, 0, id.bytes, id.length); /* not of the flow's type: not kept */
    scene_data(&s, 0, a.bytes, a.length);
    scene_data(&s, 1, a.bytes, a.length);
    scene_close(&s);
    assert_string_equal(s.notes,
                        "{\"protocol_type\"=>\"BitTorrent\", \"bit_peer_ip_1\"=>\"192.0.2.1\", "
                        "\"bit_peer_id_1\"=>\"" PEER_A "\", \"bit_peer_ip_2\"=>\"192.0.2.2\", "
                        "\"bit_peer_id_2\"=>\"" PEER_B "\"}");
    scene_end(&s);
}

static void the_first_sender_is_first(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    struct payload_bytes a = payload_xunlei(ID_A, 14, 100), b = payload_xunlei(ID_B, 51, 100);
    scene_open(&s, TRANSPORT_TCP);
    scene_data(&s, 1, a.bytes, a.length);
    scene_data(&s, 0, b.bytes, b.length);
    scene_close(&s);
    assert_string_equal(s.notes, "{\"protocol_type\"=>\"xunlei\", \"xunlei_ip_1\"=>\"192.0.2.2\", "
                                 "\"xunlei_id_1\"=>\"" ID_A "\", \"xunlei_ip_2\"=>\"192.0.2.1\", "
                                 "\"xunlei_id_2\"=>\"" ID_B "\"}");
    scene_end(&s);
}

static void segments_are_probed_in_each_direction(void **state)
{
    (void)state;
    for (int before = 63; before <= 64; before++) {
        struct scene s = scene_new(WXY);
        struct payload_bytes torrent = payload_torrent(PEER_A, 0);
        scene_open(&s, TRANSPORT_TCP);
        for (int i = 0; i < before; i++)
            scene_text(&s, 0, "x");
        scene_data(&s, 0, torrent.bytes, torrent.length);
        scene_text(&s, 0, REQUEST); /* no turn begins with it */
        scene_close(&s);
        scene_behind(&s, "s close\n");
        assert_true((s.notes[0] != '\0') == (before == 63));
        scene_end(&s);
    }
}

static void later_turns_are_looked_at(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    s.capture.limits.probe_segments = 2;
    scene_open(&s, TRANSPORT_TCP);
    for (int i = 0; i < 8; i++)
        scene_text(&s, i % 2, "MAIL");
    scene_data(&s, 0, HELLO, 4);
    scene_data(&s, 0, HELLO + 4, sizeof HELLO - 4);
    scene_close(&s);
    scene_behind(&s,
                 "x open 2\nx data 0 @16 +4 f1 t90 p9\nx data 0 @20 +36 f0 t100 p10\nx close\n");
    assert_string_equal(s.notes, "{\"protocol_type\"=>\"https\"}");
    scene_end(&s);
}

static void long_start_lines(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    char line[128];
    memset(line, 'a', sizeof line);
    memcpy(line, "GET /", 5);
    s.capture.limits.start_line = 64;
    for (size_t length = 64; length <= 65; length++) {
        memcpy(line + length - 11, " HTTP/1.1\r\n", 11);
        scene_open(&s, TRANSPORT_TCP);
        for (size_t at = 0; at < length; at++)
            scene_data(&s, 0, line + at, 1);
        scene_close(&s);
        memset(line + length - 11, 'a', 11);
        assert_string_equal(s.notes, length == 64 ? "{\"protocol_type\"=>\"http\"}" : "");
    }
    scene_end(&s);
}

static void dns_behind_its_length(void **state)
{
    (void)state;
    static const char query[] = "\0\x1d\0\1\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1";
    for (size_t cut = 1; cut < sizeof query - 1; cut++) {
        struct scene s = scene_new(WXY);
        scene_open(&s, TRANSPORT_TCP);
        scene_data(&s, 0, query, cut);
        scene_data(&s, 0, query + cut, sizeof query - 1 - cut);
        scene_close(&s);
        assert_memory_equal(s.behind.bytes, "x open 4\n", 9);
        assert_int_equal(s.sent[0].length, sizeof query - 1);
        assert_string_equal(s.notes, "");
        scene_end(&s);
    }
}

static void xycdn_is_counted_behind(void **state)
{
    (void)state;
    static const char *const profiles[] = {"deploy/platforms/tt.json", WXY};
    static const char *const opened[] = {"x open 1\n", "x open 17\n"};
    for (int i = 0; i < 2; i++) {
        struct scene s = scene_new(profiles[i]);
        s.port = 8408;
        scene_open(&s, TRANSPORT_TCP);
        scene_text(&s, 0, REQUEST);
        assert_memory_equal(s.behind.bytes, opened[i], strlen(opened[i]));
        scene_close(&s);
        scene_end(&s);
    }
}

static void what_does_not_follow_is_refused(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    struct event event = {.kind = TAPLINE_DATA, .flow = SCENE_FLOW};
    scene_open(&s, TRANSPORT_TCP);
    scene_text(&s, 0, "GET /");
    event.data = (struct event_data){.offset = 2, .bytes = (const uint8_t *)"x", .length = 1};
    assert_true(classifier_event(s.classifier, SCENE_FROM, &event) != 0);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_is_handed_on),
        cmocka_unit_test(tls_is_handed_on),
        cmocka_unit_test(empty_lines_ahead_of_a_start_line),
        cmocka_unit_test(nothing_is_handed_on_otherwise),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(what_is_held_for_signatures_holds_no_mark),
        cmocka_unit_test(any_size_of_segment),
        cmocka_unit_test(both_directions_were_held),
        cmocka_unit_test(a_gap_decides),
        cmocka_unit_test(the_first_in_the_stream_stays),
        cmocka_unit_test(http_comes_before_signatures),
        cmocka_unit_test(both_peers),
        cmocka_unit_test(the_first_sender_is_first),
        cmocka_unit_test(segments_are_probed_in_each_direction),
        cmocka_unit_test(later_turns_are_looked_at),
        cmocka_unit_test(long_start_lines),
        cmocka_unit_test(dns_behind_its_length),
        cmocka_unit_test(xycdn_is_counted_behind),
        cmocka_unit_test(what_does_not_follow_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
