/* Demand saves work and never changes a result: conversations in random disorder, with a listener
 * that declines at random, must be the same to it with demand and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/tracker/script.h"

enum { CONVERSATIONS = 400, STEPS = 300 };

static void test_demand_changes_nothing(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int c = 0; c < CONVERSATIONS; c++) {
        uint8_t bytes[STEPS * SCRIPT_STEP];
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (uint8_t)(seed >> 56);
        }
        script_compare(bytes, sizeof bytes);
    }
}

static struct demand want(uint64_t flow, int direction, enum tapline_want what, uint64_t offset)
{
    return (struct demand){
        .flow = flow, .direction = (uint8_t)direction, .want = what, .offset = offset};
}

static void play_turns(struct scene *s)
{
    scene_handshake(s);
    scene_text(s, UP, 1001, 5001, "ask");
    scene_text(s, DOWN, 5001, 1004, "answer");
}

static void tell(struct scene *s, int direction, enum tapline_want what, uint64_t offset)
{
    uint64_t flow = scene_event(s, TAPLINE_OPEN, 0)->event.flow;
    struct demand demand = want(flow, direction, what, offset);
    tracker_demand(s->tracker, &demand);
}

static void test_from(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    play_turns(&s);
    tell(&s, DOWN, TAPLINE_WANT_FROM, 12);
    scene_text(&s, DOWN, 5007, 1004, "skip");   /* 6 to 10 */
    scene_text(&s, DOWN, 5011, 1004, "partly"); /* 10 to 16: goes whole */
    assert_int_equal(tracker_finish(s.tracker, s.frames), 0);
    assert_string_equal(scene_stream(&s, DOWN), "|answerpartly");
    scene_close(&s);
}

static void test_turn(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    play_turns(&s);
    tell(&s, DOWN, TAPLINE_WANT_TURN, 6);
    scene_text(&s, DOWN, 5007, 1004, " goes on");
    scene_text(&s, UP, 1004, 5015, "next");
    scene_text(&s, DOWN, 5015, 1008, "reply");
    scene_text(&s, DOWN, 5020, 1008, " whole");
    assert_int_equal(tracker_finish(s.tracker, s.frames), 0);
    assert_string_equal(scene_stream(&s, DOWN), "|answer|reply whole");
    scene_close(&s);
}

static void test_turn_that_crossed_its_demand(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    play_turns(&s);
    scene_text(&s, UP, 1004, 5007, "next");
    scene_text(&s, DOWN, 5007, 1008, "reply");
    tell(&s, DOWN, TAPLINE_WANT_TURN, 6); /* said after the answer, arrived after the reply */
    scene_text(&s, DOWN, 5012, 1008, " whole");
    assert_int_equal(tracker_finish(s.tracker, s.frames), 0);
    assert_string_equal(scene_stream(&s, DOWN), "|answer|reply whole");
    scene_close(&s);
}

static void test_nothing_is_final(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    play_turns(&s);
    tell(&s, DOWN, TAPLINE_WANT_NOTHING, 0);
    tell(&s, DOWN, TAPLINE_WANT_FROM, 0);
    scene_text(&s, DOWN, 5009, 1004, "behind a hole");
    assert_int_equal(tracker_finish(s.tracker, s.frames), 0);
    assert_string_equal(scene_stream(&s, DOWN), "|answer");
    assert_int_equal(scene_event(&s, TAPLINE_CLOSE, 0)->event.close.trail[0].sent, 2);
    scene_close(&s);
}

static void test_what_was_declined_while_it_waited_stays_declined(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    play_turns(&s);
    tell(&s, DOWN, TAPLINE_WANT_FROM, 100);
    scene_text(&s, DOWN, 5009, 1004, "waits");
    tell(&s, DOWN, TAPLINE_WANT_FROM, 0);
    scene_text(&s, DOWN, 5007, 1004, "12");
    assert_int_equal(tracker_finish(s.tracker, s.frames), 0);
    assert_string_equal(scene_stream(&s, DOWN), "|answer");
    scene_close(&s);
}

static void test_switched_off(void **state)
{
    (void)state;
    struct limits limits = LIMITS_DEFAULT;
    limits.demand = 0;
    struct scene s;
    scene_open_with(&s, &limits);
    play_turns(&s);
    tell(&s, DOWN, TAPLINE_WANT_NOTHING, 0);
    scene_text(&s, DOWN, 5007, 1004, "!");
    assert_int_equal(tracker_finish(s.tracker, s.frames), 0);
    assert_string_equal(scene_stream(&s, DOWN), "|answer!");
    scene_close(&s);
}

static void test_unknown_flow(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    struct demand demand = want(99, UP, TAPLINE_WANT_NOTHING, 0);
    tracker_demand(s.tracker, &demand);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demand_changes_nothing),
        cmocka_unit_test(test_from),
        cmocka_unit_test(test_turn),
        cmocka_unit_test(test_turn_that_crossed_its_demand),
        cmocka_unit_test(test_nothing_is_final),
        cmocka_unit_test(test_what_was_declined_while_it_waited_stays_declined),
        cmocka_unit_test(test_switched_off),
        cmocka_unit_test(test_unknown_flow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
