/* What the tracker is told: the more permissive of what classifier and extractor want. */
#include "tests/unit/classifier/payloads.h"
#include "tests/unit/classifier/scene.h"

static const char *const WXY = "deploy/platforms/wxy.json";
static const char *const REQUEST = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"; /* 28 bytes */

static void http_scene(struct scene *s, const char *profile)
{
    *s = scene_new(profile);
    scene_open(s, TRANSPORT_TCP);
    scene_text(s, 0, REQUEST);
}

/* 100 bytes that nothing waits for. */
static void junk(struct scene *s, int direction)
{
    struct payload_bytes p = payload_plain(100);
    scene_data(s, direction, p.bytes, p.length);
}

static void unknown_streams_wait_for_turns(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    s.capture.limits.probe_segments = 2;
    scene_open(&s, TRANSPORT_TCP);
    junk(&s, 0);
    scene_told(&s, "");
    junk(&s, 0);
    scene_told(&s, "0 turn 200\n");
    junk(&s, 0);
    scene_told(&s, "0 turn 300\n");
    junk(&s, 1);
    junk(&s, 0);
    scene_told(&s, "");
    junk(&s, 0);
    scene_told(&s, "0 turn 500\n");
    scene_end(&s);
}

static void http_is_the_extractors(void **state)
{
    (void)state;
    struct scene s;
    http_scene(&s, WXY);
    scene_told(&s, "");
    scene_want(&s, 0, TAPLINE_WANT_TURN, 28);
    scene_told(&s, "0 turn 28\n");
    scene_want(&s, 0, TAPLINE_WANT_TURN, 28);
    scene_told(&s, "");
    scene_text(&s, 1, "HTTP/1.1 200 OK\r\n\r\n");
    scene_want(&s, 1, TAPLINE_WANT_FROM, 5000);
    scene_told(&s, "1 from 5000\n");
    scene_want(&s, 1, TAPLINE_WANT_FROM, 6000);
    scene_told(&s, "1 from 6000\n");
    scene_want(&s, 1, TAPLINE_WANT_NOTHING, 0);
    scene_told(&s, "1 nothing 19\n");
    scene_want(&s, 1, TAPLINE_WANT_NOTHING, 0);
    scene_told(&s, "");
    scene_end(&s);
}

/* A turn that has begun when the word of it comes is not waited for. */
/* What comes although the extractor has declined it goes no further. */
static void declined_events_stay_here(void **state)
{
    (void)state;
    struct scene s;
    http_scene(&s, WXY);
    scene_behind(&s, "x open 1\nx data 0 @0 +28 f1 t10 p1\n");
    scene_want(&s, 0, TAPLINE_WANT_TURN, 28);
    junk(&s, 0);
    scene_gap(&s, 0, 10);
    scene_behind(&s, "");
    scene_text(&s, 1, "HTTP/1.1 200 OK\r\n\r\n");
    scene_text(&s, 0, REQUEST);
    scene_behind(&s, "x data 1 @0 +19 f1 t30 p3\nx data 0 @138 +28 f1 t40 p4\n");
    scene_want(&s, 1, TAPLINE_WANT_FROM, 120);
    junk(&s, 1);
    scene_behind(&s, "");
    junk(&s, 1); /* its last bytes are wanted */
    scene_behind(&s, "x data 1 @119 +100 f0 t60 p6\n");
    scene_want(&s, 1, TAPLINE_WANT_NOTHING, 0);
    junk(&s, 1);
    scene_behind(&s, "");
    scene_close(&s);
    assert_int_equal(s.trail.sent, 4);
    scene_end(&s);
}

static void stale_turns_are_ignored(void **state)
{
    (void)state;
    struct scene s;
    http_scene(&s, WXY);
    scene_text(&s, 1, "HTTP/1.1 200 OK\r\n\r\n");
    scene_text(&s, 0, REQUEST);
    scene_want(&s, 0, TAPLINE_WANT_TURN, 28);
    scene_told(&s, "");
    scene_want(&s, 0, TAPLINE_WANT_TURN, 29);
    scene_told(&s, "0 turn 29\n");
    scene_end(&s);
}

/* The type's other identifier may yet come: the extractor's word waits for that. */
static void the_classifier_wants_more(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    struct payload_bytes torrent = payload_torrent(PEER_A, 0);
    s.capture.limits.probe_segments = 3;
    scene_open(&s, TRANSPORT_TCP);
    scene_data(&s, 0, torrent.bytes, torrent.length);
    scene_text(&s, 1, "HTTP/1.1 200 OK\r\n");
    scene_want(&s, 1, TAPLINE_WANT_NOTHING, 17);
    scene_want(&s, 0, TAPLINE_WANT_NOTHING, 68);
    scene_told(&s, "0 nothing 68\n");
    scene_text(&s, 1, "a");
    scene_told(&s, "");
    scene_text(&s, 1, "b");
    scene_told(&s, "1 nothing 19\n");
    scene_end(&s);
}

static void undecided_bytes_are_waited_for(void **state)
{
    (void)state;
    struct scene s = scene_new(NULL);
    s.capture.limits.probe_segments = 1;
    scene_open(&s, TRANSPORT_TCP);
    scene_text(&s, 0, "GET /aaaaaaaaaaaaaaa");
    scene_text(&s, 0, "abc");
    scene_told(&s, "");
    scene_text(&s, 0, "\n");
    scene_told(&s, "0 turn 24\n");
    scene_end(&s);
}

/* The answerer was told to wait for its next turn before HTTP was seen: a tracker that did not
 * hear of it may send the rest, but the extractor gets none of that. */
static void what_was_declined_stays_so(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    s.capture.limits.probe_segments = 1;
    scene_open(&s, TRANSPORT_TCP);
    junk(&s, 1);
    junk(&s, 1);
    scene_told(&s, "1 turn 200\n");
    scene_text(&s, 0, REQUEST);
    scene_behind(&s, "x open 1\nx data 0 @0 +28 f1 t30 p3\n");
    scene_gap(&s, 1, 50); /* uses up the beginning of the turn */
    junk(&s, 1);
    scene_behind(&s, "");
    scene_text(&s, 0, REQUEST);
    junk(&s, 1);
    scene_behind(&s, "x data 0 @28 +28 f1 t50 p5\nx data 1 @350 +100 f1 t60 p6\n");
    scene_end(&s);
}

static void nothing_is_said_without_demand(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    s.capture.limits.demand = 0;
    s.capture.limits.probe_segments = 1;
    scene_open(&s, TRANSPORT_TCP);
    junk(&s, 0);
    junk(&s, 0);
    scene_text(&s, 1, "HTTP/1.1 200 OK\r\n");
    scene_want(&s, 1, TAPLINE_WANT_NOTHING, 17);
    scene_told(&s, "");
    scene_end(&s);
}

static void late_demand_is_no_error(void **state)
{
    (void)state;
    struct scene s;
    http_scene(&s, NULL);
    scene_close(&s);
    scene_want(&s, 0, TAPLINE_WANT_NOTHING, 0);
    scene_told(&s, "");
    scene_end(&s);
}

static void events_without_their_flow_are_refused(void **state)
{
    (void)state;
    struct scene s;
    http_scene(&s, NULL);
    struct event event = {.kind = TAPLINE_OPEN, .flow = SCENE_FLOW};
    assert_true(classifier_event(s.classifier, SCENE_FROM, &event) != 0);
    for (uint32_t kind = TAPLINE_DATA; kind <= TAPLINE_RECORD; kind++) {
        event.kind = kind;
        event.flow = SCENE_FLOW + 1;
        assert_true(classifier_event(s.classifier, SCENE_FROM, &event) != 0);
    }
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_streams_wait_for_turns),
        cmocka_unit_test(http_is_the_extractors),
        cmocka_unit_test(declined_events_stay_here),
        cmocka_unit_test(stale_turns_are_ignored),
        cmocka_unit_test(the_classifier_wants_more),
        cmocka_unit_test(undecided_bytes_are_waited_for),
        cmocka_unit_test(what_was_declined_stays_so),
        cmocka_unit_test(nothing_is_said_without_demand),
        cmocka_unit_test(late_demand_is_no_error),
        cmocka_unit_test(events_without_their_flow_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
