/* Each event comes back from the wire as it went; a cut or padded one is refused or passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/wire/event.h"
#include "common/wire/pack.h"

static const uint8_t PAYLOAD[] = "GET / HTTP/1.1\r\n";
static const uint8_t V4[] = {192, 0, 2, 1};
static const uint8_t V6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};

static struct event an_open(void)
{
    return (struct event){
        .kind = TAPLINE_OPEN,
        .flow = UINT64_C(3) << 48 | 17,
        .open = {.transport = TRANSPORT_TCP,
                 .address = {address_from(V4, 4), address_from(V6, 16)},
                 .port = {40000, 443},
                 .time_ns = -5,
                 .hints = TAPLINE_HINT_TLS},
    };
}

static struct event a_data(void)
{
    return (struct event){
        .kind = TAPLINE_DATA,
        .flow = 1,
        .data = {.direction = FROM_RESPONDER,
                 .flags = TAPLINE_TURN,
                 .offset = UINT64_C(1) << 40,
                 .time_ns = 1689340914000123456,
                 .packet = 77,
                 .missing = 9,
                 .bytes = PAYLOAD,
                 .length = sizeof PAYLOAD},
    };
}

static struct event a_close(struct buffer *notes)
{
    pack_map(notes, 1);
    pack_str(notes, "protocol_type");
    pack_str(notes, "http");
    struct event close = {.kind = TAPLINE_CLOSE, .flow = 4};
    close.close.figures = (struct figures){
        .transport = TRANSPORT_UDP,
        .address = {address_from(V6, 16), address_from(V4, 4)},
        .port = {1, 65535},
        .start_ns = 1,
        .end_ns = 2,
        .first_packet = 3,
        .packets = {4, 5},
        .bytes = {6, 7},
        .syn = 8,
        .fin = 9,
        .rst = 10,
        .ended = {true, false},
        .rtt_ns = 11,
    };
    close.close.trail[0] = (struct trail){TAPLINE_TRACKER, 0, 12, 0};
    close.close.trail[1] = (struct trail){TAPLINE_CLASSIFIER, 12, 0, 1};
    close.close.trail_count = 2;
    close.close.notes = (struct slice){notes->bytes, notes->length};
    close.close.period = 13;
    return close;
}

/* Through the wire and back; all of it was read. */
static struct event again(struct buffer *wire, const struct event *event)
{
    struct event back = {0};
    event_pack(wire, event, NULL);
    struct unpack from = unpack_over(wire->bytes, wire->length);
    assert_int_equal(event_unpack(&from, NULL, &back), 0);
    assert_ptr_equal(from.at, from.end);
    assert_int_equal(back.kind, event->kind);
    assert_int_equal(back.flow, event->flow);
    return back;
}

static void open_comes_back(void **state)
{
    (void)state;
    struct buffer wire = {0};
    struct event event = an_open(), back = again(&wire, &event);
    assert_int_equal(back.open.transport, TRANSPORT_TCP);
    assert_int_equal(address_compare(&back.open.address[1], &event.open.address[1]), 0);
    assert_int_equal(back.open.port[1], 443);
    assert_int_equal(back.open.time_ns, -5);
    assert_int_equal(back.open.hints, TAPLINE_HINT_TLS);
    buffer_free(&wire);
}

static void data_comes_back_in_place(void **state)
{
    (void)state;
    struct buffer wire = {0};
    struct event event = a_data(), back = again(&wire, &event);
    assert_int_equal(back.data.offset, event.data.offset);
    assert_int_equal(back.data.packet, 77);
    assert_int_equal(back.data.missing, 9);
    assert_int_equal(back.data.flags, TAPLINE_TURN);
    assert_int_equal(back.data.length, sizeof PAYLOAD);
    assert_memory_equal(back.data.bytes, PAYLOAD, sizeof PAYLOAD);
    assert_true(back.data.bytes > wire.bytes && back.data.bytes < wire.bytes + wire.length);
    buffer_free(&wire);
}

static void same_data(const struct event *a, const struct event *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_true(a->flow == b->flow);
    assert_int_equal(a->data.direction, b->data.direction);
    assert_int_equal(a->data.flags, b->data.flags);
    assert_true(a->data.offset == b->data.offset);
    assert_true(a->data.time_ns == b->data.time_ns);
    assert_true(a->data.packet == b->data.packet);
    assert_int_equal(a->data.missing, b->data.missing);
    assert_int_equal(a->data.length, b->data.length);
    assert_memory_equal(a->data.bytes, b->data.bytes, a->data.length);
}

/* As another sender may pack it: every number as short as can be. */
static void pack_short(struct buffer *to, const struct event *event)
{
    pack_array(to, 9);
    pack_uint(to, TAPLINE_DATA);
    pack_uint(to, event->flow);
    pack_uint(to, event->data.direction);
    pack_uint(to, event->data.offset);
    pack_int(to, event->data.time_ns);
    pack_uint(to, event->data.packet);
    pack_uint(to, event->data.flags);
    pack_uint(to, event->data.missing);
    pack_bin(to, event->data.bytes, event->data.length);
}

/* Around each limit of the form that DATA mostly has, and in the shortest form; cut short anywhere
 * it is none. */
static void data_of_any_size_comes_back(void **state)
{
    (void)state;
    static const uint8_t bytes[UINT16_MAX + 1] = {1, 2, 3};
    const uint64_t beyond_32 = UINT64_C(1) << 32;
    const struct event_data forms[] = {
        {0, 0, 0, 0, 0, 0, bytes, 0},
        {1, 127, UINT32_MAX, INT64_MAX, UINT32_MAX, UINT16_MAX, bytes, UINT16_MAX},
        {0, 128, 1, 2, 3, 4, bytes, 5},
        {0, 1, beyond_32, 2, 3, 4, bytes, 5},
        {0, 1, 2, -1, 3, 4, bytes, 5},
        {0, 1, 2, INT64_MIN, 3, 4, bytes, 5},
        {0, 1, 2, 3, beyond_32, 4, bytes, 5},
        {0, 1, 2, 3, 4, UINT16_MAX + 1, bytes, 5},
        {0, 1, 2, 3, 4, 5, bytes, UINT16_MAX + 1},
        {1, UINT32_MAX, UINT64_MAX, 3, UINT64_MAX, UINT32_MAX, bytes, 60},
    };
    for (size_t i = 0; i < 2 * sizeof forms / sizeof forms[0]; i++) {
        struct event event = {.kind = TAPLINE_DATA, .flow = UINT64_MAX, .data = forms[i / 2]};
        struct event back;
        struct buffer wire = {0};
        if (i % 2)
            pack_short(&wire, &event);
        else
            event_pack(&wire, &event, NULL);
        struct unpack from = unpack_over(wire.bytes, wire.length);
        assert_int_equal(event_unpack(&from, NULL, &back), 0);
        assert_ptr_equal(from.at, from.end);
        same_data(&event, &back);
        for (size_t length = 0; length < 60 && length < wire.length; length++) {
            from = unpack_over(wire.bytes, length);
            assert_int_equal(event_unpack(&from, NULL, &back), ERR_TRUNCATED);
        }
        buffer_free(&wire);
    }
}

/* Each byte of a DATA event's head is changed to every value: it is then read, or refused, as the
 * reader of all forms does, which is asked by an array of one field more. */
static void changed_heads_mean_what_they_say(void **state)
{
    (void)state;
    struct buffer wire = {0}, longer = {0};
    struct event event = a_data(), plain, other;
    event.data.offset = 5;
    event_pack(&wire, &event, NULL);
    size_t head = wire.length - sizeof PAYLOAD;
    for (int i = 0; i < 300; i++) /* that further field, however much the bytes have grown */
        pack_nil(&wire);
    buffer_append(&longer, wire.bytes, wire.length);
    longer.bytes[0]++;
    for (size_t i = 0; i < 256 * (head - 1); i++) {
        size_t at = 1 + i / 256;
        uint8_t before = wire.bytes[at];
        wire.bytes[at] = longer.bytes[at] = (uint8_t)i;
        struct unpack one = unpack_over(wire.bytes, wire.length);
        struct unpack all = unpack_over(longer.bytes, longer.length);
        int rc = event_unpack(&one, NULL, &plain);
        assert_int_equal(event_unpack(&all, NULL, &other), rc);
        if (rc == 0 && plain.kind == TAPLINE_DATA)
            same_data(&plain, &other);
        wire.bytes[at] = longer.bytes[at] = before;
    }
    buffer_free(&longer);
    buffer_free(&wire);
}

static void close_comes_back(void **state)
{
    (void)state;
    struct buffer wire = {0}, notes = {0};
    struct event event = a_close(&notes), back = again(&wire, &event);
    const struct figures *f = &back.close.figures;
    assert_int_equal(f->first_packet, 3);
    assert_int_equal(f->packets[1], 5);
    assert_int_equal(f->bytes[0], 6);
    assert_int_equal(f->rst, 10);
    assert_true(f->ended[0] && !f->ended[1]);
    assert_int_equal(f->rtt_ns, 11);
    assert_int_equal(back.close.trail_count, 2);
    assert_int_equal(back.close.trail[1].records, 1);
    assert_int_equal(back.close.notes.length, notes.length);
    assert_memory_equal(back.close.notes.bytes, notes.bytes, notes.length);
    assert_int_equal(back.close.period, 13);
    buffer_free(&notes);
    buffer_free(&wire);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    struct buffer wire = {0}, notes = {0};
    const struct event events[] = {an_open(), a_data(), a_close(&notes)};
    for (size_t i = 0; i < 3; i++) {
        buffer_clear(&wire);
        event_pack(&wire, &events[i], NULL);
        for (size_t length = 0; length < wire.length; length++) {
            struct unpack from = unpack_over(wire.bytes, length);
            struct event back;
            assert_int_not_equal(event_unpack(&from, NULL, &back), 0);
        }
    }
    buffer_free(&notes);
    buffer_free(&wire);
}

static void later_fields_are_passed_over(void **state)
{
    (void)state;
    struct buffer wire = {0};
    pack_array(&wire, 7); /* a GAP of a later version, with two more fields */
    pack_uint(&wire, TAPLINE_GAP);
    pack_uint(&wire, 5);
    pack_uint(&wire, 1);
    pack_uint(&wire, 100);
    pack_uint(&wire, 200);
    pack_str(&wire, "new");
    pack_array(&wire, 1);
    pack_nil(&wire);
    struct unpack from = unpack_over(wire.bytes, wire.length);
    struct event back;
    assert_int_equal(event_unpack(&from, NULL, &back), 0);
    assert_int_equal(back.gap.length, 200);
    assert_ptr_equal(from.at, from.end);
    buffer_free(&wire);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const uint8_t bad[][6] = {
        {0x95, 2, 5, 2, 100, 100},  /* a direction that is neither */
        {0x95, 9, 5, 1, 100, 100},  /* no such event */
        {0x95, 2, 5, 1, 100, 0xc0}, /* no number */
        {0x85, 2, 5, 1, 100, 100},  /* a map */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct unpack from = unpack_over(bad[i], sizeof bad[i]);
        struct event back;
        assert_int_not_equal(event_unpack(&from, NULL, &back), 0);
    }
}

static void demand_comes_back(void **state)
{
    (void)state;
    struct buffer wire = {0};
    const struct demand demand = {UINT64_C(1) << 50, 1, TAPLINE_WANT_TURN, 4096};
    struct demand back;
    demand_pack(&wire, &demand);
    struct unpack from = unpack_over(wire.bytes, wire.length);
    assert_int_equal(demand_unpack(&from, &back), 0);
    assert_memory_equal(&back.flow, &demand.flow, sizeof back.flow);
    assert_int_equal(back.want, TAPLINE_WANT_TURN);
    assert_int_equal(back.offset, 4096);
    buffer_free(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_comes_back),
        cmocka_unit_test(data_comes_back_in_place),
        cmocka_unit_test(data_of_any_size_comes_back),
        cmocka_unit_test(changed_heads_mean_what_they_say),
        cmocka_unit_test(close_comes_back),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(later_fields_are_passed_over),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(demand_comes_back),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
