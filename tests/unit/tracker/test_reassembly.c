/* Streams out of segments that come lost, late, repeated, overlapping and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/tracker/staged.h"

/* Text of the responder, which begins at sequence number 5001. */
static void body(uint32_t offset, const char *text)
{
    scene_text(&scene, DOWN, 5001 + offset, 1001, text);
}

static void acknowledge(uint32_t offset)
{
    scene_segment(&scene, UP, TCP_ACK, 1001, 5001 + offset, NULL, 0);
}

static void test_in_order(void **state)
{
    (void)state;
    scene_handshake(&scene);
    scene_text(&scene, UP, 1001, 5001, "GET");
    body(0, "two ");
    body(4, "words");
    scene_text(&scene, UP, 1004, 5010, "again");
    finish();
    assert_string_equal(scene_stream(&scene, UP), "|GET|again");
    assert_string_equal(scene_stream(&scene, DOWN), "|two words");
    assert_int_equal(scene_event(&scene, TAPLINE_DATA, 2)->event.data.offset, 4);
    assert_int_equal(scene_event(&scene, TAPLINE_DATA, 2)->event.data.packet, 6);
}

static void test_out_of_order(void **state)
{
    (void)state;
    scene_handshake(&scene);
    body(6, "CC");
    body(2, "AA");
    body(4, "BB");
    body(10, "EE");
    body(0, "00");
    body(8, "DD");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "|00AABBCCDDEE");
    assert_int_equal(scene_count(&scene, TAPLINE_GAP), 0);
}

static void test_overlaps_keep_the_first_copy(void **state)
{
    (void)state;
    static const struct {
        struct {
            uint32_t offset;
            const char *text;
        } pieces[4];
        const char *stream;
    } cases[] = {
        {{{0, "AAAA"}, {0, "BBBB"}, {4, "CC"}}, "AAAACC"},
        {{{0, "AAAA"}, {2, "BBBB"}}, "AAAABB"},
        {{{4, "BBBB"}, {2, "CCCC"}, {0, "AA"}}, "AACCBBBB"},
        {{{2, "BB"}, {0, "AAAAAA"}}, "AABBAA"},
        {{{4, "BB"}, {2, "CCCCCC"}, {0, "AAA"}}, "AACCBBCC"},
        {{{6, "DD"}, {2, "BB"}, {1, "EEEEEE"}, {0, "AAAAAAAA"}}, "AEBBEEDD"},
        {{{2, "BB"}, {2, "CC"}, {0, "AA"}}, "AABB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene s;
        scene_open(&s);
        scene_handshake(&s);
        for (size_t p = 0; p < 4 && cases[i].pieces[p].text; p++)
            scene_text(&s, DOWN, 5001 + cases[i].pieces[p].offset, 1001, cases[i].pieces[p].text);
        assert_int_equal(tracker_finish(s.tracker, s.frames), 0);
        assert_string_equal(scene_stream(&s, DOWN) + strlen("|"), cases[i].stream);
        scene_close(&s);
    }
}

static void test_sequence_wraps(void **state)
{
    (void)state;
    scene_segment(&scene, UP, TCP_SYN, UINT32_MAX - 3, 0, NULL, 0);
    scene_text(&scene, UP, 2, 0, "ef");
    scene_text(&scene, UP, UINT32_MAX - 2, 0, "abcde");
    scene_text(&scene, UP, UINT32_MAX, 0, "XXX");
    scene_text(&scene, UP, 4, 0, "g");
    finish();
    assert_string_equal(scene_stream(&scene, UP), "|abcdeefg");
}

static void test_starts_in_the_middle(void **state)
{
    (void)state;
    scene_text(&scene, UP, 70000, 900, "middle");
    scene_text(&scene, UP, 69990, 900, "before it");
    scene_text(&scene, DOWN, 900, 70006, "other");
    finish();
    assert_string_equal(scene_stream(&scene, UP), "|middle");
    assert_string_equal(scene_stream(&scene, DOWN), "|other");
    assert_int_equal(scene_event(&scene, TAPLINE_DATA, 0)->event.data.offset, 0);
}

static void test_hole_becomes_gap_after_64_packets(void **state)
{
    (void)state;
    scene_handshake(&scene);
    body(4, "after");
    acknowledge(9);
    for (int i = 0; i < 63; i++)
        acknowledge(9);
    assert_int_equal(scene_count(&scene, TAPLINE_GAP), 0);
    acknowledge(9);
    assert_string_equal(scene_stream(&scene, DOWN), "<4>|after");
    body(0, "late");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "<4>|after");
}

static void test_hole_becomes_gap_after_a_second(void **state)
{
    (void)state;
    scene_handshake(&scene);
    body(4, "after");
    acknowledge(9);
    scene.now += SECOND - 2 * MS;
    acknowledge(9);
    assert_int_equal(scene_count(&scene, TAPLINE_GAP), 0);
    acknowledge(9);
    assert_int_equal(scene_count(&scene, TAPLINE_GAP), 1);
    finish();
}

static void test_packet_that_fills_the_hole_in_time_is_taken(void **state)
{
    (void)state;
    scene_handshake(&scene);
    body(4, "after");
    acknowledge(9);
    scene.now += 2 * SECOND; /* the next packet ends the wait, but it is the one waited for */
    body(0, "late");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "|lateafter");
}

static void test_unacknowledged_hole_waits(void **state)
{
    (void)state;
    scene_handshake(&scene);
    body(4, "after");
    scene.now += 30 * SECOND;
    for (int i = 0; i < 200; i++)
        acknowledge(3);
    assert_int_equal(scene_count(&scene, TAPLINE_DATA), 0);
    body(0, "here");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "|hereafter");
}

static void test_holes_that_were_acknowledged_together_end_together(void **state)
{
    (void)state;
    scene_handshake(&scene);
    body(2, "b");
    body(5, "e");
    acknowledge(6);
    body(9, "i"); /* this one is behind a hole that nobody acknowledged */
    scene.now += SECOND;
    acknowledge(6);
    assert_string_equal(scene_stream(&scene, DOWN), "<2>|b<2>e");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "<2>|b<2>e<3>i");
}

static void test_limit_in_sequence_numbers(void **state)
{
    (void)state;
    struct limits limits = LIMITS_DEFAULT;
    limits.reorder = 20;
    struct scene s;
    scene_open_with(&s, &limits);
    scene_handshake(&s);
    scene_text(&s, DOWN, 5001 + 10, 1001,
               "kept waiting"); /* its end is 22 behind the hole's start */
    assert_string_equal(scene_stream(&s, DOWN), "<10>|kept waiting");
    scene_text(&s, DOWN, 5001 + 30, 1001, "near");
    assert_int_equal(scene_count(&s, TAPLINE_GAP), 1);
    assert_int_equal(tracker_finish(s.tracker, s.frames), 0);
    scene_close(&s);
}

static void test_many_small_pieces_are_bounded(void **state)
{
    (void)state;
    struct limits limits = LIMITS_DEFAULT;
    limits.reorder = 1024;
    struct scene s;
    scene_open_with(&s, &limits);
    scene_handshake(&s);
    for (uint32_t i = 0; i < 100; i++)
        scene_text(&s, DOWN, 5003 + 2 * i, 1001, "x");
    assert_true(scene_count(&s, TAPLINE_GAP) > 0);
    assert_int_equal(tracker_finish(s.tracker, s.frames), 0);
    assert_int_equal(scene_count(&s, TAPLINE_GAP), 100);
    scene_close(&s);
}

static void test_out_of_window(void **state)
{
    (void)state;
    scene_handshake(&scene);
    body(0, "good");
    body(4 + (1u << 30) + 1, "far away");
    body(4, "bytes");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "|goodbytes");
}

static void test_snapped_segment(void **state)
{
    (void)state;
    scene_handshake(&scene);
    scene.cut = 6;
    body(0, "there, not here");
    body(15, "next");
    body(9, "not now");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "|there, no<6>next");
}

static void test_snapped_segment_that_waits_stays_cut(void **state)
{
    (void)state;
    scene_handshake(&scene);
    scene.cut = 3;
    body(4, "abcdef");
    body(7, "DEF");
    body(0, "....");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "|....abc<3>");
}

static void test_data_in_the_syn(void **state)
{
    (void)state;
    scene_segment(&scene, UP, TCP_SYN, 1000, 0, "fast", 4);
    scene_segment(&scene, DOWN, TCP_SYN | TCP_ACK, 5000, 1005, NULL, 0);
    scene_text(&scene, UP, 1005, 5001, " open");
    finish();
    assert_string_equal(scene_stream(&scene, UP), "|fast open");
}

static void test_probes_add_nothing(void **state)
{
    (void)state;
    scene_handshake(&scene);
    body(0, "abc");
    body(2, "\1");
    body(2, "");
    body(3, "d");
    body(3, "def");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "|abcdef");
}

static void test_reset_carries_no_stream(void **state)
{
    (void)state;
    scene_handshake(&scene);
    scene_segment(&scene, DOWN, TCP_RST | TCP_ACK, 5001, 1001, "no service", 10);
    finish();
    assert_int_equal(scene_count(&scene, TAPLINE_OPEN), 0);
    assert_int_equal(scene_event(&scene, TAPLINE_CLOSE, 0)->to, TAPLINE_SINK);
}

static void test_nothing_follows_the_fin(void **state)
{
    (void)state;
    scene_handshake(&scene);
    body(5, "beyond");
    scene_segment(&scene, DOWN, TCP_ACK | TCP_FIN, 5001 + 4, 1001, "", 0);
    body(0, "body and more");
    body(4, "more");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "|body");
    assert_true(scene_figures(&scene, 0)->ended[DOWN]);
    assert_false(scene_figures(&scene, 0)->ended[UP]);
}

static void test_gap_before_the_fin(void **state)
{
    (void)state;
    scene_handshake(&scene);
    body(0, "some");
    scene_segment(&scene, DOWN, TCP_ACK | TCP_FIN, 5001 + 10, 1001, "", 0);
    acknowledge(11);
    scene.now += SECOND;
    acknowledge(11);
    assert_string_equal(scene_stream(&scene, DOWN), "|some<6>");
    finish();
    assert_true(scene_figures(&scene, 0)->ended[DOWN]);
}

static void test_what_a_hole_held_up_keeps_its_turns(void **state)
{
    (void)state;
    scene_handshake(&scene);
    scene_text(&scene, UP, 1001, 5001, "ask");
    body(3, "wer");
    scene_text(&scene, UP, 1004, 5007, "more");
    body(6, "next");
    body(3, "WER"); /* a repetition is no turn */
    body(10, "!");
    scene_text(&scene, UP, 1008, 5012, "end");
    body(11, "last");
    finish();
    assert_string_equal(scene_stream(&scene, DOWN), "<3>|wer|next!|last");
    assert_string_equal(scene_stream(&scene, UP), "|ask|more|end");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_in_order),
        TEST(test_out_of_order),
        TEST(test_overlaps_keep_the_first_copy),
        TEST(test_sequence_wraps),
        TEST(test_starts_in_the_middle),
        TEST(test_hole_becomes_gap_after_64_packets),
        TEST(test_hole_becomes_gap_after_a_second),
        TEST(test_packet_that_fills_the_hole_in_time_is_taken),
        TEST(test_unacknowledged_hole_waits),
        TEST(test_holes_that_were_acknowledged_together_end_together),
        TEST(test_limit_in_sequence_numbers),
        TEST(test_many_small_pieces_are_bounded),
        TEST(test_out_of_window),
        TEST(test_snapped_segment),
        TEST(test_snapped_segment_that_waits_stays_cut),
        TEST(test_data_in_the_syn),
        TEST(test_probes_add_nothing),
        TEST(test_reset_carries_no_stream),
        TEST(test_nothing_follows_the_fin),
        TEST(test_gap_before_the_fin),
        TEST(test_what_a_hole_held_up_keeps_its_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
