/* Demand, records and notes of one flow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/wire/pack.h"
#include "stages/extractor/conversation.h"
#include "tests/unit/extractor/rig.h"

static struct rig sink;
static const struct outlet outlet = {
    .context = &sink, .event = rig_on_event, .demand = rig_on_demand};
static struct conversation_ground ground;

static struct conversation *conversation(uint8_t transport)
{
    memset(&sink, 0, sizeof sink);
    ground = (struct conversation_ground){.limits = LIMITS_DEFAULT, .outlet = &outlet};
    const struct event_open open = {
        .transport = transport,
        .address = {address_from((const uint8_t[]){192, 0, 2, 1}, 4),
                    address_from((const uint8_t[]){198, 51, 100, 2}, 4)},
        .port = {40000, 443},
    };
    return conversation_new(&ground, RIG_FLOW, RIG_FROM, &open);
}

/* "offset+length" of what is admitted of a segment, or "". */
static const char *admitted(struct conversation *c, uint64_t offset, uint32_t length, bool turn)
{
    static char text[64];
    static const uint8_t bytes[100];
    struct event_data data = {
        .flags = turn ? TAPLINE_TURN : 0, .offset = offset, .bytes = bytes, .length = length};
    *text = '\0';
    if (conversation_admits_data(c, &data)) {
        assert_int_equal(data.bytes - bytes, data.offset - offset);
        snprintf(text, sizeof text, "%" PRIu64 "+%" PRIu32, data.offset, data.length);
    }
    return text;
}

static const char *admitted_gap(struct conversation *c, uint64_t offset, uint64_t length)
{
    static char text[64];
    struct event_gap gap = {.offset = offset, .length = length};
    *text = '\0';
    if (conversation_admits_gap(c, &gap))
        snprintf(text, sizeof text, "%" PRIu64 "+%" PRIu64, gap.offset, gap.length);
    return text;
}

static void who_and_where(void **state)
{
    (void)state;
    struct conversation *c = conversation(TRANSPORT_TCP);
    char text[IP_PORT_TEXT];
    assert_string_equal(conversation_ip_port(c, FROM_INITIATOR, text),
                        "192.0.2.1-40000-198.51.100.2-443");
    assert_string_equal(conversation_ip_port(c, FROM_RESPONDER, text),
                        "198.51.100.2-443-192.0.2.1-40000");
    assert_int_equal(conversation_open(c)->port[1], 443);
    conversation_free(&c);
    assert_null(c);
    conversation_free(&c);
}

static void from_an_offset(void **state)
{
    (void)state;
    struct conversation *c = conversation(TRANSPORT_TCP);
    assert_string_equal(admitted(c, 0, 10, false), "0+10");
    conversation_want(c, 0, TAPLINE_WANT_FROM, 50);
    assert_string_equal(admitted(c, 10, 41, false), "50+1");
    assert_int_equal(sink.demands, 0);
    assert_string_equal(admitted(c, 10, 40, false), "");
    assert_int_equal(sink.demand[0].offset, 50);
    assert_string_equal(admitted_gap(c, 10, 40), "");
    assert_string_equal(admitted_gap(c, 10, 45), "50+5");
    assert_string_equal(admitted(c, 55, 5, false), "55+5");
    assert_int_equal(sink.demands, 1);
    conversation_free(&c);
}

static void from_a_turn(void **state)
{
    (void)state;
    struct conversation *c = conversation(TRANSPORT_TCP);
    conversation_want(c, 0, TAPLINE_WANT_TURN, 50);
    assert_string_equal(admitted(c, 40, 10, true), "");
    assert_string_equal(admitted(c, 50, 10, false), "");
    assert_string_equal(admitted_gap(c, 60, 10), "");
    assert_int_equal(sink.demands, 1);
    assert_string_equal(admitted(c, 70, 10, true), "70+10");
    assert_string_equal(admitted_gap(c, 80, 10), "80+10");
    assert_string_equal(admitted(c, 90, 10, false), "90+10");
    conversation_free(&c);
}

static void nothing_more(void **state)
{
    (void)state;
    struct conversation *c = conversation(TRANSPORT_TCP);
    conversation_want(c, 0, TAPLINE_WANT_NOTHING, 0);
    conversation_want(c, 0, TAPLINE_WANT_FROM, 0);
    assert_string_equal(admitted(c, 70, 10, true), "");
    assert_int_equal(sink.demand[0].want, TAPLINE_WANT_NOTHING);
    assert_string_equal(admitted_gap(c, 80, 10), "");
    conversation_free(&c);
}

static void datagrams(void **state)
{
    (void)state;
    struct conversation *c = conversation(TRANSPORT_UDP);
    conversation_want(c, 0, TAPLINE_WANT_FROM, 3);
    assert_string_equal(admitted(c, 2, 100, false), "");
    assert_string_equal(admitted(c, 3, 100, false), "3+100");
    conversation_free(&c);
}

static void order_of_records(void **state)
{
    (void)state;
    struct conversation *c = conversation(TRANSPORT_TCP);
    struct buffer map = {0};
    pack_map(&map, 0);
    static const struct {
        enum tapline_record_kind record;
        uint64_t packet;
        uint32_t order;
    } wanted[] = {{TAPLINE_RECORD_HTTP, 5, 0},
                  {TAPLINE_RECORD_SNI, 5, 0},
                  {TAPLINE_RECORD_HTTP, 5, 1},
                  {TAPLINE_RECORD_HTTP, 6, 0},
                  {TAPLINE_RECORD_SNI, 5, 1}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        conversation_record(c, wanted[i].record, 9, wanted[i].packet, &map);
        assert_int_equal(sink.record[i].order, wanted[i].order);
        assert_int_equal(sink.record[i].packet, wanted[i].packet);
    }
    map.failed = true;
    assert_int_not_equal(conversation_record(c, TAPLINE_RECORD_HTTP, 9, 5, &map), 0);
    conversation_free(&c);
    buffer_free(&map);
    buffer_free(&sink.maps);
}

static void notes(void **state)
{
    (void)state;
    struct conversation *c = conversation(TRANSPORT_TCP);
    struct event close = {.kind = TAPLINE_CLOSE, .flow = RIG_FLOW};
    for (int side = 0; side < DIRECTIONS; side++)
        close.close.figures.address[side] = address_from((const uint8_t[]){192, 0, 2, 1}, 4);
    close.close.figures.transport = TRANSPORT_TCP;
    close.close.trail_count = 1;
    conversation_note_request(c, 1 * (int64_t)RIG_SECOND);
    conversation_note_request(c, 2 * (int64_t)RIG_SECOND);
    conversation_note_sni(c, (const uint8_t *)"a\xff.b", 4, FROM_RESPONDER,
                          3 * (int64_t)RIG_SECOND);
    conversation_note_sni(c, (const uint8_t *)"other", 5, FROM_RESPONDER, 4);
    conversation_note_domain(c, (const uint8_t *)"c", 1, FROM_INITIATOR, 5 * (int64_t)RIG_SECOND);
    assert_int_equal(conversation_close(c, &close, 17), 0);
    struct unpack u = unpack_over(sink.close.bytes, sink.close.length);
    struct event out;
    assert_int_equal(event_unpack(&u, NULL, &out), 0);
    assert_int_equal(out.close.trail_count, 2);
    assert_int_equal(out.close.trail[1].role, TAPLINE_EXTRACTOR);
    assert_int_equal(out.close.trail[1].received, 17);
    static const char *const wanted[][2] = {
        {"http_req_time", "2s"},   {"https_SNI", "a.b"},       {"https_SNI_ip", "198.51.100.2"},
        {"https_SNI_time", "3s"},  {"https_Cert_domain", "c"}, {"https_Cert_ip", "192.0.2.1"},
        {"https_Cert_time", "5s"},
    };
    const struct slice *n = &out.close.notes;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_string_equal(rig_value(&sink, n->bytes, n->length, wanted[i][0]), wanted[i][1]);
    close.close.trail_count = MAX_TRAIL;
    assert_int_not_equal(conversation_close(c, &close, 0), 0);
    conversation_free(&c);
    buffer_free(&sink.close);
}

static int clear(void **state)
{
    (void)state;
    conversation_ground_clear(&ground);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(who_and_where, clear),
        cmocka_unit_test_teardown(from_an_offset, clear),
        cmocka_unit_test_teardown(from_a_turn, clear),
        cmocka_unit_test_teardown(nothing_more, clear),
        cmocka_unit_test_teardown(datagrams, clear),
        cmocka_unit_test_teardown(order_of_records, clear),
        cmocka_unit_test_teardown(notes, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
