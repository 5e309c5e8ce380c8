/* The core: flows that open and close, and what passes through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/error.h"
#include "common/wire/pack.h"
#include "tests/unit/extractor/rig.h"

static void only_open_flows(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {TAPLINE_DATA, TAPLINE_GAP, TAPLINE_CLOSE, TAPLINE_RECORD};
    struct rig *rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct event event = {.kind = kinds[i], .flow = RIG_FLOW + 1};
        assert_int_equal(extractor_event(rig->extractor, RIG_FROM, &event), ERR_MALFORMED);
    }
    struct event again = {.kind = TAPLINE_OPEN, .flow = RIG_FLOW};
    assert_int_equal(extractor_event(rig->extractor, RIG_FROM, &again), ERR_MALFORMED);
    rig_close(rig, true, true);
    assert_int_equal(rig->error, 0);
    rig_close(rig, true, true);
    assert_int_equal(rig->error, ERR_MALFORMED);
    rig_free(&rig);
}

static void a_flow_of_no_known_protocol(void **state)
{
    (void)state;
    struct rig *rig = rig_new(&LIMITS_DEFAULT, 0);
    rig_say(rig, RIG_CLIENT, "GET / HTTP/1.1\r\n\r\n");
    rig_gap(rig, RIG_SERVER, 10);
    rig_close(rig, true, true);
    assert_int_equal(rig->error, 0);
    assert_int_equal(rig->records, 0);
    struct unpack u = unpack_over(rig->close.bytes, rig->close.length);
    struct event close;
    assert_int_equal(event_unpack(&u, NULL, &close), 0);
    assert_int_equal(close.close.trail[0].received, 2);
    assert_int_equal(close.close.notes.length, 0);
    rig_free(&rig);
}

static void records_from_before_pass_through(void **state)
{
    (void)state;
    struct rig *rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP);
    struct buffer map = {0};
    pack_map(&map, 0);
    struct event record = {.kind = TAPLINE_RECORD,
                           .flow = RIG_FLOW,
                           .record = {.record = TAPLINE_RECORD_XYCDN,
                                      .time_ns = 1,
                                      .packet = 2,
                                      .order = 3,
                                      .map = {map.bytes, map.length}}};
    assert_int_equal(extractor_event(rig->extractor, RIG_FROM, &record), 0);
    assert_int_equal(rig->records, 1);
    assert_int_equal(rig->record[0].order, 3);
    buffer_free(&map);
    rig_free(&rig);
}

static void what_was_declined_counts_as_received(void **state)
{
    (void)state;
    struct rig *rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP);
    rig->deaf = true;
    rig_say(rig, RIG_CLIENT, "GET / HTTP/1.1\r\nBad\r\n");
    rig_say(rig, RIG_CLIENT, "more");
    rig_say(rig, RIG_CLIENT, "more");
    rig_close(rig, true, true);
    struct unpack u = unpack_over(rig->close.bytes, rig->close.length);
    struct event close;
    assert_int_equal(event_unpack(&u, NULL, &close), 0);
    assert_int_equal(close.close.trail[0].received, 3);
    assert_int_equal(close.close.trail[0].records, 1);
    rig_free(&rig);
}

static int refuse(void *context, enum tapline_role to, outlet_route *route,
                  const struct event *event)
{
    (void)context, (void)to, (void)route, (void)event;
    return ERR_LOST;
}

static void an_outlet_that_fails(void **state)
{
    (void)state;
    struct rig *rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP);
    rig->outlet.event = refuse;
    rig_say(rig, RIG_CLIENT, "GET / HTTP/1.1\r\n\r\n");
    rig_say(rig, RIG_SERVER, "HTTP/1.1 204 No\r\n\r\n");
    assert_int_equal(rig->error, ERR_LOST);
    rig_free(&rig);
}

static void exchange(struct rig *rig)
{
    rig_say(rig, RIG_CLIENT, "POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
    rig_say(rig, RIG_SERVER, "HTTP/1.1 200 OK\r\n\r\nto the end");
    rig_close(rig, true, true);
}

/* A flow's memory is used for the flows behind it: nothing of what it said may be left there. */
static void a_flow_after_another_begins_afresh(void **state)
{
    (void)state;
    enum { ASKED = 5, ANSWERED = 4 };
    static const char *const asked[ASKED] = {
        "CONNECT far:443 HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.1\r\nLong: header\r\nContent-Length: 9999\r\n\r\nbody",
        "GET / HTTP/1.1\r\nCut: he", "GE", "no HTTP at all\r\n"};
    static const char *const answered[ANSWERED] = {
        "HTTP/1.1 200 OK\r\n\r\n\x16\x03",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 ;x\r\nab",
        "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n"};
    struct rig *fresh = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP);
    exchange(fresh);
    const struct buffer *wanted = &fresh->maps;
    struct rig *rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP);
    for (size_t i = 0; i < ASKED * ANSWERED; i++) {
        rig_say(rig, RIG_CLIENT, asked[i / ANSWERED]);
        rig_say(rig, RIG_SERVER, answered[i % ANSWERED]);
        if (i % 3)
            rig_gap(rig, i % 2, 100);
        rig_close(rig, i % 2, true);
        rig_open(rig, TAPLINE_HINT_HTTP);
        size_t before = rig->maps.length;
        rig->packet = 0;
        exchange(rig);
        assert_int_equal(rig->maps.length - before, wanted->length);
        assert_memory_equal(rig->maps.bytes + before, wanted->bytes, wanted->length);
        rig_open(rig, TAPLINE_HINT_HTTP);
    }
    assert_int_equal(rig->error, 0);
    rig_free(&fresh);
    rig_free(&rig);
}

static void freed_with_open_flows(void **state)
{
    (void)state;
    struct rig *rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP);
    rig_say(rig, RIG_CLIENT, "GET / HTTP/1.1\r\n\r\n");
    extractor_free(&rig->extractor);
    assert_null(rig->extractor);
    extractor_free(&rig->extractor);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_open_flows),
        cmocka_unit_test(a_flow_of_no_known_protocol),
        cmocka_unit_test(records_from_before_pass_through),
        cmocka_unit_test(what_was_declined_counts_as_received),
        cmocka_unit_test(an_outlet_that_fails),
        cmocka_unit_test(a_flow_after_another_begins_afresh),
        cmocka_unit_test(freed_with_open_flows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
