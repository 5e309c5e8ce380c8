/* The core as a whole: UDP conversations, flows let go by the clock, ids, the tally. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/wire/unpack.h"
#include "tests/unit/tracker/staged.h"

static void play(int from, const char *text)
{
    assert_int_equal(scene_datagram(&scene, from, text, (uint32_t)strlen(text)), 0);
}

static void test_udp_conversation(void **state)
{
    (void)state;
    play(DOWN, "one"); /* the first sender is the initiator */
    play(DOWN, "two");
    scene.cut = 3;
    play(UP, "answer");
    play(DOWN, "");
    finish();
    assert_int_equal(scene_count(&scene, TAPLINE_OPEN), 1);
    const struct event_open *open = &scene_event(&scene, TAPLINE_OPEN, 0)->event.open;
    assert_int_equal(open->transport, TRANSPORT_UDP);
    assert_int_equal(open->port[UP], 80);
    const struct event_data *answer = &scene_event(&scene, TAPLINE_DATA, 2)->event.data;
    assert_int_equal(answer->direction, FROM_RESPONDER);
    assert_int_equal(answer->offset, 0);
    assert_int_equal(answer->missing, 3);
    assert_int_equal(answer->length, 3);
    assert_int_equal(answer->packet, 3);
    const struct event_data *empty = &scene_event(&scene, TAPLINE_DATA, 3)->event.data;
    assert_int_equal(empty->offset, 2);
    assert_int_equal(empty->length, 0);
    const struct figures *f = scene_figures(&scene, 0);
    assert_int_equal(f->packets[FROM_INITIATOR], 3);
    assert_int_equal(f->bytes[FROM_INITIATOR], 6);
    assert_int_equal(f->bytes[FROM_RESPONDER], 6);
    const struct noted *close = scene_event(&scene, TAPLINE_CLOSE, 0);
    assert_int_equal(close->to, TAPLINE_CLASSIFIER);
    assert_int_equal(close->event.close.trail[0].role, TAPLINE_TRACKER);
    assert_int_equal(close->event.close.trail[0].received, 0);
    assert_int_equal(close->event.close.trail[0].sent, 4);
    assert_int_equal(close->event.close.trail[0].records, 0);
}

static void test_udp_idle(void **state)
{
    (void)state;
    play(UP, "a");
    scene.now += 300 * SECOND - MS;
    play(DOWN, "b");
    scene.now += 300 * SECOND;
    play(UP, "c");
    finish();
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 2);
}

static void test_udp_without_idle_limit(void **state)
{
    (void)state;
    struct limits limits = LIMITS_DEFAULT;
    limits.udp_idle = 0;
    struct scene s;
    scene_open_with(&s, &limits);
    scene_datagram(&s, UP, "a", 1);
    s.now += 30000 * SECOND;
    assert_int_equal(tracker_clock(s.tracker, s.now), 0);
    scene_datagram(&s, UP, "b", 1);
    assert_int_equal(tracker_finish(s.tracker, s.frames), 0);
    assert_int_equal(scene_count(&s, TAPLINE_CLOSE), 1);
    scene_close(&s);
}

static void test_flows_beyond_the_limit(void **state)
{
    (void)state;
    struct limits limits = LIMITS_DEFAULT;
    limits.flows = 2;
    struct scene s;
    scene_open_with(&s, &limits);
    for (uint16_t port = 1; port <= 2; port++) {
        s.port[UP] = port;
        assert_int_equal(scene_datagram(&s, UP, "a", 1), 0);
        assert_int_equal(scene_datagram(&s, DOWN, "b", 1), 0);
    }
    s.now += 300 * SECOND; /* the one that goes on has ended, and makes room for its successor */
    assert_int_equal(scene_datagram(&s, UP, "c", 1), 0);
    s.port[UP] = 3;
    assert_int_equal(scene_datagram(&s, UP, "d", 1), ERR_FLOWS);
    scene_close(&s);
}

static void test_times_that_run_backwards(void **state)
{
    (void)state;
    play(UP, "one");
    scene.now -= 5 * SECOND;
    play(DOWN, "two");
    finish();
    const struct figures *f = scene_figures(&scene, 0);
    assert_int_equal(f->start_ns, SCENE_START * SECOND);
    assert_int_equal(f->end_ns, SCENE_START * SECOND);
    assert_int_equal(f->packets[FROM_RESPONDER], 1);
}

static void test_let_go_by_the_clock(void **state)
{
    (void)state;
    play(UP, "gone");
    int64_t over = scene.now - MS + (300 + 600) * SECOND;
    assert_int_equal(tracker_clock(scene.tracker, over), 0);
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 0);
    assert_int_equal(tracker_clock(scene.tracker, over + 60 * SECOND), 0);
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 1);
    finish();
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 1);
}

/* The clock at so many seconds after the latest packet: are so many flows closed then? */
static void clock_closes(int64_t seconds, uint32_t closes)
{
    assert_int_equal(tracker_clock(scene.tracker, scene.now - MS + seconds * SECOND), 0);
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), closes);
}

/* What a sweep was told of a flow's end when it began is not the last word. */
static void test_let_go_by_the_latest_packet(void **state)
{
    (void)state;
    play(UP, "one");
    scene.now += 200 * SECOND;
    play(UP, "two");
    clock_closes(300 + 600 - 200 + 1, 0);
    clock_closes(300 + 600, 0);
    clock_closes(300 + 600 + 60, 1);
}

static void test_let_go_sooner_after_a_reset(void **state)
{
    (void)state;
    scene_handshake(&scene);
    clock_closes(1, 0);
    scene_segment(&scene, UP, TCP_RST, 1001, 0, NULL, 0);
    clock_closes(120 + 600, 0);
    clock_closes(120 + 600 + 60, 1);
}

/* Whether the sweep looked or not, a flow that the clock left behind is over. */
static void test_left_behind_without_a_sweep(void **state)
{
    (void)state;
    play(UP, "one");
    assert_int_equal(tracker_clock(scene.tracker, scene.now + 890 * SECOND), 0);
    assert_int_equal(tracker_clock(scene.tracker, scene.now + 901 * SECOND), 0); /* too soon to */
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 0);
    scene.now += 200 * SECOND; /* by its own times it would go on */
    play(UP, "two");
    finish();
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 2);
}

/* A capture whose times lie behind the clock (a file after a later one) keeps its flows. */
static void test_times_behind_the_clock(void **state)
{
    (void)state;
    assert_int_equal(tracker_clock(scene.tracker, scene.now + 100000 * SECOND), 0);
    play(UP, "one");
    play(UP, "two");
    assert_int_equal(tracker_clock(scene.tracker, scene.now + 100500 * SECOND), 0);
    play(UP, "three");
    finish();
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 1);
}

static void marked(size_t n, uint64_t closed, int64_t oldest_ns)
{
    assert_true(n < scene.mark_count);
    const struct mark *mark = &scene.marks[n];
    assert_int_equal(mark->tracker, 2);
    assert_int_equal(mark->period, n);
    assert_int_equal(mark->closed, closed);
    assert_true(mark->oldest_ns == oldest_ns);
}

static void kept(size_t n, int64_t kept_ns)
{
    assert_true(n < scene.mark_count);
    assert_true(scene.marks[n].kept_ns == kept_ns);
}

/* A mark with each minute: what is open may be as old as the oldest packet since it began; what is
 * to come, 10 s older than the clock. A close says in which period it was. */
static void test_marks(void **state)
{
    (void)state;
    const int64_t start = scene.now;
    play(UP, "one");
    assert_int_equal(tracker_clock(scene.tracker, start + 100 * SECOND), 0);
    marked(0, 0, start);
    kept(0, start + 90 * SECOND);
    assert_int_equal(tracker_clock(scene.tracker, start + 130 * SECOND), 0); /* too soon */
    assert_int_equal(scene.mark_count, 1);
    scene.port[UP]++;
    scene.now = start + 890 * SECOND;
    play(UP, "two");
    assert_int_equal(tracker_clock(scene.tracker, start + 895 * SECOND), 0);
    marked(1, 0, start);
    assert_int_equal(tracker_clock(scene.tracker, start + 1101 * SECOND), 0); /* one is over */
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 1);
    assert_int_equal(scene_event(&scene, TAPLINE_CLOSE, 0)->event.close.period, 2);
    marked(2, 1, start + 890 * SECOND);
    assert_int_equal(tracker_clock(scene.tracker, start + 1600 * SECOND), 0);
    marked(3, 0, start + 890 * SECOND);
    finish();
    assert_int_equal(scene_event(&scene, TAPLINE_CLOSE, 1)->event.close.period, 4);
    assert_int_equal(scene.mark_count, 4); /* the tally says all there is to say at the end */
}

/* Each of these ends one flow and begins another, in the same period. */
static void test_marks_count_flows_that_others_end(void **state)
{
    (void)state;
    const int64_t start = scene.now;
    play(UP, "one");
    scene.now += 400 * SECOND; /* longer than it may be idle */
    play(UP, "another");
    scene_segment(&scene, UP, TCP_SYN, 1000, 0, NULL, 0);
    scene_segment(&scene, DOWN, TCP_RST | TCP_ACK, 0, 1001, NULL, 0);
    scene_segment(&scene, UP, TCP_SYN, 90000, 0, NULL, 0);
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 2);
    assert_int_equal(tracker_clock(scene.tracker, scene.now), 0);
    marked(0, 2, start);
    finish();
}

/* As many frames as are worth a mark, in whatever time. */
static void test_marks_come_with_work_too(void **state)
{
    (void)state;
    enum { WORK = 16384 };
    assert_int_equal(tracker_clock(scene.tracker, scene.now), 0);
    assert_int_equal(scene.mark_count, 1);
    for (int i = 0; i < WORK; i++) {
        assert_int_equal(tracker_clock(scene.tracker, scene.now), 0);
        assert_int_equal(scene.mark_count, 1);
        scene_segment(&scene, UP, TCP_ACK, 5000, 1, NULL, 0);
    }
    assert_int_equal(tracker_clock(scene.tracker, scene.now), 0);
    assert_int_equal(scene.mark_count, 2);
    finish();
}

/* Bytes behind a hole hold the marks where their packet was, until they are handed on, or cut off by
 * a FIN. */
static void test_marks_know_what_waits(void **state)
{
    (void)state;
    const int64_t start = scene.now;
    uint32_t seq = 1000;
    scene_segment(&scene, UP, TCP_SYN, seq - 1, 0, NULL, 0);
    scene_segment(&scene, DOWN, TCP_SYN | TCP_ACK, 0, seq, NULL, 0);
    for (int round = 0; round < 2; round++) {
        int64_t now = start + round * 300 * SECOND;
        assert_int_equal(tracker_clock(scene.tracker, now), 0);
        kept(scene.mark_count - 1, now - 10 * SECOND);
        scene.now = now;
        scene_segment(&scene, UP, TCP_ACK, seq + 3, 1, "def", 3);
        assert_int_equal(tracker_clock(scene.tracker, now + 100 * SECOND), 0);
        kept(scene.mark_count - 1, now);
        scene_segment(&scene, UP, TCP_ACK, seq + 6, 1, "ghi", 3);
        if (round)
            scene_segment(&scene, UP, TCP_ACK | TCP_FIN, seq + 2, 1, NULL, 0);
        else
            scene_segment(&scene, UP, TCP_ACK, seq, 1, "abc", 3);
        assert_int_equal(tracker_clock(scene.tracker, now + 200 * SECOND), 0);
        kept(scene.mark_count - 1, now + 190 * SECOND);
        seq += 9;
    }
    finish();
}

/* The oldest packet counts, whenever it came. */
static void test_marks_know_times_that_run_backwards(void **state)
{
    (void)state;
    const int64_t start = scene.now;
    play(UP, "one");
    scene.now = start - 5000 * SECOND;
    play(DOWN, "two");
    assert_int_equal(tracker_clock(scene.tracker, start), 0);
    marked(0, 0, start - 5000 * SECOND);
    scene.now = start;
    play(UP, "three");
    assert_int_equal(tracker_clock(scene.tracker, start + 100 * SECOND), 0);
    marked(1, 0, start - 5000 * SECOND);
    finish();
}

/* Not where nobody wants them, nor where the flow was left behind a hole that its receiver had. */
static void test_marks_pass_what_nothing_comes_of(void **state)
{
    (void)state;
    const int64_t start = scene.now;
    scene_segment(&scene, UP, TCP_SYN, 999, 0, NULL, 0);
    scene_segment(&scene, DOWN, TCP_SYN | TCP_ACK, 4999, 1000, NULL, 0);
    scene_segment(&scene, DOWN, TCP_ACK, 5000, 1000, "abc", 3);
    scene.now = start + 5 * SECOND;
    scene_segment(&scene, UP, TCP_ACK, 1003, 5003, "def", 3);
    scene_segment(&scene, DOWN, TCP_ACK, 5006, 1000, "ghi", 3);
    assert_int_equal(tracker_clock(scene.tracker, start + 30 * SECOND), 0);
    kept(0, start + 5 * SECOND);
    const struct demand nothing = {(uint64_t)2 << 48 | 1, DOWN, TAPLINE_WANT_NOTHING, 3};
    tracker_demand(scene.tracker, &nothing);
    scene.now = start + 32 * SECOND;
    scene_segment(&scene, DOWN, TCP_ACK, 5009, 1006, NULL, 0); /* acknowledges what is missing */
    assert_int_equal(tracker_clock(scene.tracker, start + 90 * SECOND), 0);
    kept(1, start + 5 * SECOND);
    assert_int_equal(tracker_clock(scene.tracker, start + 150 * SECOND), 0); /* silent by now */
    kept(2, start + 140 * SECOND);
    finish();
}

static void test_ids(void **state)
{
    (void)state;
    play(UP, "a");
    scene.port[UP]++;
    play(UP, "b");
    finish();
    assert_true(scene_event(&scene, TAPLINE_OPEN, 0)->event.flow == ((uint64_t)2 << 48 | 1));
    assert_true(scene_event(&scene, TAPLINE_OPEN, 1)->event.flow == ((uint64_t)2 << 48 | 2));
}

static void test_many_flows(void **state)
{
    (void)state;
    for (int i = 0; i < 1500; i++) {
        scene.port[UP] = (uint16_t)i;
        scene_segment(&scene, UP, TCP_SYN, 1000, 0, NULL, 0);
    }
    for (int i = 0; i < 1500; i++) {
        scene.port[UP] = (uint16_t)i;
        scene_segment(&scene, DOWN, TCP_RST | TCP_ACK, 0, 1001, NULL, 0);
    }
    finish();
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 1500);
    for (size_t i = 0; i < 1500; i++)
        assert_int_equal(scene_figures(&scene, i)->rst, 1);
}

/* The number under a key of a map, or of the map within it; -1: not there. */
static int64_t find_number(struct unpack *u, const char *key)
{
    int64_t found = -1;
    for (uint32_t pairs = unpack_map(u); pairs > 0; pairs--) {
        struct slice name = unpack_str(u);
        int64_t value = -1;
        if (unpack_type(u) == UNPACK_MAP)
            value = find_number(u, key);
        else if (name.length == strlen(key) && memcmp(name.bytes, key, name.length) == 0)
            value = unpack_int(u);
        else
            unpack_skip(u);
        found = value >= 0 ? value : found;
    }
    return found;
}

static int64_t tallied(const char *key)
{
    struct unpack u = unpack_over(scene.tally.bytes, scene.tally.length);
    int64_t found = find_number(&u, key);
    assert_int_equal(u.error, 0);
    assert_ptr_equal(u.at, u.end);
    return found;
}

static void test_tally(void **state)
{
    (void)state;
    static const uint8_t icmp[28] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1}, junk[4] = {0};
    static const uint8_t gre[24] = {0x45, 0, 0, 24, 0, 0, 0, 0, 64, 47};
    scene_segment(&scene, UP, TCP_ACK, 1001, 5001, "abc", 3);
    play(UP, "data");
    scene_frame(&scene, icmp, sizeof icmp);
    scene_frame(&scene, gre, sizeof gre);
    scene_frame(&scene, junk, sizeof junk);
    finish();
    assert_int_equal(tallied("role"), TAPLINE_TRACKER);
    assert_int_equal(tallied("index"), 2);
    assert_int_equal(tallied("frames"), 5);
    assert_int_equal(tallied("flows"), 2);
    assert_int_equal(tallied("packets_count"), 5);
    assert_int_equal(tallied("tcp_packets"), 1);
    assert_int_equal(tallied("tcp_packets_len"), 43);
    assert_int_equal(tallied("tcp_payload_len"), 3);
    assert_int_equal(tallied("udp_packets"), 1);
    assert_int_equal(tallied("udp_packets_len"), 32);
    assert_int_equal(tallied("udp_payload_len"), 4);
    assert_int_equal(tallied("icmp_packets"), 1);
    assert_int_equal(tallied("other_ip_protocol_packets"), 1);
    assert_int_equal(tallied("noip_packets"), 1);
    assert_int_equal(tallied("most_flows"), 2);
}

static void test_lost_frames_are_noticed(void **state)
{
    (void)state;
    play(UP, "a");
    assert_int_equal(tracker_finish(scene.tracker, 2), ERR_LOST);
    assert_int_equal(scene.tally.length, 0);
}

static int refuse(void *context, enum tapline_role to, outlet_route *route,
                  const struct event *event)
{
    (void)context, (void)to, (void)route, (void)event;
    return ERR_STOPPED;
}

static void test_outlet_that_refuses(void **state)
{
    (void)state;
    scene.outlet.event = refuse;
    assert_int_equal(scene_datagram(&scene, UP, "a", 1), ERR_STOPPED);
    assert_int_equal(tracker_finish(scene.tracker, scene.frames), ERR_STOPPED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_udp_conversation),
        TEST(test_udp_idle),
        TEST(test_udp_without_idle_limit),
        TEST(test_flows_beyond_the_limit),
        TEST(test_times_that_run_backwards),
        TEST(test_let_go_by_the_clock),
        TEST(test_let_go_by_the_latest_packet),
        TEST(test_let_go_sooner_after_a_reset),
        TEST(test_left_behind_without_a_sweep),
        TEST(test_times_behind_the_clock),
        TEST(test_marks),
        TEST(test_marks_count_flows_that_others_end),
        TEST(test_marks_come_with_work_too),
        TEST(test_marks_know_what_waits),
        TEST(test_marks_pass_what_nothing_comes_of),
        TEST(test_marks_know_times_that_run_backwards),
        TEST(test_ids),
        TEST(test_many_flows),
        TEST(test_tally),
        TEST(test_lost_frames_are_noticed),
        TEST(test_outlet_that_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
