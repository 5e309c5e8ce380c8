/* The rules of TCP connections: who began them, where they begin and end, what they count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/tracker/staged.h"

static void play(int from, uint8_t flags, uint32_t seq, uint32_t ack)
{
    assert_int_equal(scene_segment(&scene, from, flags, seq, ack, NULL, 0), 0);
}

static void test_figures(void **state)
{
    (void)state;
    scene_handshake(&scene);
    scene_text(&scene, UP, 1001, 5001, "abc");
    scene_text(&scene, UP, 1001, 5001, "abc"); /* a retransmission counts */
    play(DOWN, TCP_FIN | TCP_ACK, 5001, 1004);
    play(UP, TCP_FIN | TCP_ACK, 1004, 5002);
    play(DOWN, TCP_ACK, 5002, 1005);
    finish();
    const struct figures *f = scene_figures(&scene, 0);
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 1);
    assert_int_equal(f->port[UP], 40000);
    assert_int_equal(f->port[DOWN], 80);
    assert_int_equal(f->packets[UP], 5);
    assert_int_equal(f->packets[DOWN], 3);
    assert_int_equal(f->bytes[UP], 6);
    assert_int_equal(f->bytes[DOWN], 0);
    assert_int_equal(f->syn, 2);
    assert_int_equal(f->fin, 2);
    assert_int_equal(f->rst, 0);
    assert_int_equal(f->start_ns, SCENE_START * SECOND);
    assert_int_equal(f->end_ns, SCENE_START * SECOND + 7 * MS);
    assert_int_equal(f->first_packet, 1);
    assert_true(f->ended[UP] && f->ended[DOWN]);
}

static void test_initiator(void **state)
{
    (void)state;
    play(DOWN, TCP_SYN | TCP_ACK, 5000, 1001); /* its receiver began */
    finish();
    assert_int_equal(scene_figures(&scene, 0)->port[UP], 40000);
    assert_int_equal(scene_figures(&scene, 0)->packets[DOWN], 1);
}

static void test_initiator_in_the_middle(void **state)
{
    (void)state;
    play(DOWN, TCP_ACK, 5001, 1001); /* the sender of the first packet leads */
    play(UP, TCP_ACK, 1001, 5001);
    finish();
    assert_int_equal(scene_figures(&scene, 0)->port[UP], 80);
}

/* Plays a first segment, then a SYN of the same sender: how many connections are these? */
static size_t connections(uint8_t flags, uint32_t seq, uint32_t syn_seq)
{
    struct scene s;
    scene_open(&s);
    scene_segment(&s, UP, flags, seq, 5001, NULL, 0);
    scene_segment(&s, UP, TCP_SYN, syn_seq, 0, NULL, 0);
    tracker_finish(s.tracker, s.frames);
    size_t count = scene_count(&s, TAPLINE_CLOSE);
    scene_close(&s);
    return count;
}

static void test_where_a_syn_begins_anew(void **state)
{
    (void)state;
    assert_int_equal(connections(TCP_SYN, 1000, 1000), 1); /* a retransmission */
    assert_int_equal(connections(TCP_SYN, 1000, 1001), 2);
    assert_int_equal(connections(TCP_ACK, 1001, 1000), 1); /* came after what it precedes */
    assert_int_equal(connections(TCP_ACK, 1001, 2000), 2);
    assert_int_equal(connections(TCP_FIN | TCP_ACK, 1001, 2000), 2);
    assert_int_equal(connections(TCP_RST, 0, 1000), 1); /* 0 is no number of the sender's */
}

static void test_initial_number_by_the_peer(void **state)
{
    (void)state;
    play(DOWN, TCP_SYN | TCP_ACK, 5000, 1001);
    play(UP, TCP_SYN, 1000, 0); /* captured after its answer */
    play(UP, TCP_ACK, 1001, 5001);
    play(DOWN, TCP_ACK, 5001, 1001);
    play(UP, TCP_SYN, 9000, 0);
    finish();
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 2);
}

static void test_syn_ack_of_another_connection(void **state)
{
    (void)state;
    scene_handshake(&scene);
    play(DOWN, TCP_SYN | TCP_ACK, 77000, 99001);
    finish();
    assert_int_equal(scene_count(&scene, TAPLINE_CLOSE), 2);
    assert_int_equal(scene_figures(&scene, 1)->port[UP], 40000);
}

static void test_roles_turn_round(void **state)
{
    (void)state;
    scene_handshake(&scene);
    play(DOWN, TCP_SYN, 70000, 0);
    finish();
    assert_int_equal(scene_figures(&scene, 1)->port[UP], 80);
    assert_int_equal(scene_figures(&scene, 1)->packets[UP], 1);
}

static void test_rtt(void **state)
{
    (void)state;
    play(UP, TCP_SYN, 1000, 0);
    scene.now += SECOND;
    play(UP, TCP_SYN, 1000, 0); /* the last transmission before the answer */
    scene.now += 19 * MS;
    play(DOWN, TCP_SYN | TCP_ACK, 5000, 1001);
    scene.now += SECOND;
    play(DOWN, TCP_SYN | TCP_ACK, 5000, 1001);
    scene.now += 4 * MS;
    play(UP, TCP_ACK, 1001, 5001);
    finish();
    assert_int_equal(scene_figures(&scene, 0)->rtt_ns, 20 * MS);
}

static void test_rtt_of_the_second_half(void **state)
{
    (void)state;
    play(UP, TCP_SYN, 1000, 0);
    play(DOWN, TCP_SYN | TCP_ACK, 5000, 1001);
    play(UP, TCP_ACK, 1001, 4000); /* acknowledges something else */
    scene.now += 30 * MS;
    play(UP, TCP_ACK, 1001, 5001);
    scene.now += 300 * MS;
    play(UP, TCP_ACK, 1001, 5001);
    finish();
    assert_int_equal(scene_figures(&scene, 0)->rtt_ns, 32 * MS);
}

static void test_rtt_not_seen(void **state)
{
    (void)state;
    play(UP, TCP_SYN, 1000, 0);
    scene.now -= 500 * MS; /* a clock that runs backwards tells nothing */
    play(DOWN, TCP_SYN | TCP_ACK, 5000, 1001);
    finish();
    assert_int_equal(scene_figures(&scene, 0)->rtt_ns, 0);
}

static void test_reset_does_not_end_a_stream(void **state)
{
    (void)state;
    scene_handshake(&scene);
    scene_text(&scene, DOWN, 5001, 1001, "cut");
    play(DOWN, TCP_RST | TCP_ACK, 5004, 1001);
    finish();
    assert_false(scene_figures(&scene, 0)->ended[DOWN]);
    assert_int_equal(scene_figures(&scene, 0)->rst, 1);
}

/* Plays a connection, then one acknowledgment after a silence: how many flows are these? */
static size_t flows_after(uint8_t first, uint8_t second, bool answered, int64_t silence)
{
    struct scene s;
    scene_open(&s);
    scene_segment(&s, UP, TCP_SYN, 1000, 0, NULL, 0);
    if (answered)
        scene_segment(&s, DOWN, TCP_SYN | TCP_ACK, 5000, 1001, NULL, 0);
    if (first)
        scene_segment(&s, UP, first, 1001, 5001, NULL, 0);
    if (second)
        scene_segment(&s, DOWN, second, 5001, 1002, NULL, 0);
    s.now += silence - MS;
    scene_segment(&s, UP, TCP_ACK, 1002, 5002, NULL, 0);
    tracker_finish(s.tracker, s.frames);
    size_t count = scene_count(&s, TAPLINE_CLOSE);
    scene_close(&s);
    return count;
}

static void test_idle_limits(void **state)
{
    (void)state;
    static const struct {
        uint8_t first, second;
        bool answered;
        int seconds;
    } cases[] = {
        {TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK, true, 120}, /* both FINs */
        {TCP_RST, 0, true, 120},
        {TCP_FIN | TCP_ACK, TCP_ACK, true, 3600}, /* one FIN ends nothing */
        {TCP_ACK, 0, true, 3600},
        {0, 0, false, 120}, /* nobody answered */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t limit = cases[i].seconds * SECOND;
        assert_int_equal(flows_after(cases[i].first, cases[i].second, cases[i].answered, limit), 1);
        assert_int_equal(flows_after(cases[i].first, cases[i].second, cases[i].answered, limit + 1),
                         2);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_figures),
        TEST(test_initiator),
        TEST(test_initiator_in_the_middle),
        TEST(test_where_a_syn_begins_anew),
        TEST(test_initial_number_by_the_peer),
        TEST(test_syn_ack_of_another_connection),
        TEST(test_roles_turn_round),
        TEST(test_rtt),
        TEST(test_rtt_of_the_second_half),
        TEST(test_rtt_not_seen),
        TEST(test_reset_does_not_end_a_stream),
        TEST(test_idle_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
