/* Frames and events whose bytes stand in memory that both sides have: only their places travel, and
 * the pieces that they lead to are in use until a message was dealt with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/wire/event.h"
#include "common/wire/frame.h"

enum { PIECE = ORIGINAL_PIECE, SIZE = ORIGINAL_PIECES * PIECE };

/* As the sender sees it, and the receiver; what is counted is the same for both. */
static uint8_t packets[SIZE];
static const uint8_t seen[SIZE];
static _Atomic uint32_t uses[ORIGINAL_PIECES];
static const struct original SENDERS = {packets, uses}, RECEIVERS = {seen, uses};

static uint32_t all_uses(void)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < ORIGINAL_PIECES; i++)
        sum += atomic_load(&uses[i]);
    return sum;
}

static const struct frame FRAMES[] = {
    {1, 0, 1, 60, packets, 60},
    {UINT32_MAX, INT64_MAX, 127, UINT16_MAX, packets + 1, UINT16_MAX},
    {UINT32_MAX + UINT64_C(1), 1, 1, 60, packets + 77, 60},
    {1, -1, 1, 60, packets + 1000, 60},
    {1, 1, 128, 60, packets + 1000, 1},
    {1, 1, 1, UINT16_MAX + 1, packets + SIZE - 60, 60},
};

static void frames_come_back_from_the_receivers_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FRAMES / sizeof FRAMES[0]; i++) {
        const struct frame *frame = &FRAMES[i];
        struct places sent = {.original = &SENDERS}, got = {.original = &RECEIVERS};
        struct buffer wire = {0};
        struct frame back;
        frame_pack(&wire, frame, &sent);
        assert_true(wire.length < 50);
        for (size_t length = 0; length <= wire.length; length++) {
            struct unpack u = unpack_over(wire.bytes, length);
            assert_int_equal(frame_unpack(&u, &got, &back) == FRAME_PACKET, length == wire.length);
        }
        assert_int_equal(back.number, frame->number);
        assert_true(back.time_ns == frame->time_ns);
        assert_int_equal(back.link, frame->link);
        assert_int_equal(back.wire_length, frame->wire_length);
        assert_int_equal(back.length, frame->length);
        assert_ptr_equal(back.bytes, seen + (frame->bytes - packets));
        assert_int_equal(all_uses(), 1);
        places_end(&got);
        assert_int_equal(all_uses(), 0);
        buffer_free(&wire);
    }
}

static void events_come_back_from_the_receivers_memory(void **state)
{
    (void)state;
    const uint64_t beyond_32 = UINT64_C(1) << 32;
    const struct event_data forms[] = {
        {1, 127, UINT32_MAX, INT64_MAX, UINT32_MAX, UINT16_MAX, packets + 5, UINT16_MAX},
        {0, 128, 1, 2, 3, 4, packets + 6, 5},
        {0, 1, beyond_32, 2, 3, 4, packets + SIZE - 5, 5},
        {0, 1, 2, -1, 3, 4, packets, 5},
        {0, 1, 2, 3, beyond_32, 4, packets, 1},
        {0, 1, 2, 3, 4, UINT16_MAX + 1, packets, 5},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct event event = {.kind = TAPLINE_DATA, .flow = UINT64_MAX, .data = forms[i]}, back;
        struct places sent = {.original = &SENDERS}, got = {.original = &RECEIVERS};
        struct buffer wire = {0};
        event_pack(&wire, &event, &sent);
        assert_true(wire.length < 80);
        for (size_t length = 0; length <= wire.length; length++) {
            struct unpack u = unpack_over(wire.bytes, length);
            assert_int_equal(event_unpack(&u, &got, &back) == 0, length == wire.length);
        }
        assert_true(back.flow == event.flow);
        assert_int_equal(back.data.direction, event.data.direction);
        assert_int_equal(back.data.flags, event.data.flags);
        assert_true(back.data.offset == event.data.offset);
        assert_true(back.data.time_ns == event.data.time_ns);
        assert_true(back.data.packet == event.data.packet);
        assert_int_equal(back.data.missing, event.data.missing);
        assert_int_equal(back.data.length, event.data.length);
        assert_ptr_equal(back.data.bytes, seen + (event.data.bytes - packets));
        places_end(&got);
        assert_int_equal(all_uses(), 0);
        buffer_free(&wire);
    }
}

/* However many places lead to a piece, a message uses it once, and each message for itself. */
static void a_message_uses_each_piece_once(void **state)
{
    (void)state;
    struct places first = {.original = &SENDERS}, second = {.original = &SENDERS};
    struct places got = {.original = &RECEIVERS};
    struct buffer wire = {0}, other = {0};
    const size_t offsets[] = {0, 100, 2 * PIECE, 2 * PIECE + 7, 5 * PIECE, 99};
    for (size_t i = 0; i < 6; i++) {
        const struct frame frame = {i + 1, 0, 1, 50, packets + offsets[i], 50};
        frame_pack(&wire, &frame, &first);
    }
    assert_int_equal(first.count, 3);
    assert_int_equal(all_uses(), 3);
    frame_pack(&other, &FRAMES[0], &second);
    assert_int_equal(atomic_load(&uses[0]), 2);
    struct unpack u = unpack_over(wire.bytes, wire.length);
    struct frame back;
    while (u.at < u.end)
        assert_int_equal(frame_unpack(&u, &got, &back), FRAME_PACKET);
    assert_int_equal(got.count, 3);
    places_end(&got);
    assert_int_equal(got.count, 0);
    assert_int_equal(all_uses(), 1);
    places_hand_over(&first);
    assert_int_equal(first.pieces, 0);
    assert_int_equal(first.count, 0);
    assert_int_equal(all_uses(), 1);
    places_end(&second);
    assert_int_equal(all_uses(), 0);
    buffer_free(&wire);
    buffer_free(&other);
}

/* Bytes of elsewhere, at either edge too, and too many for a place; and where there are no places.
 */
static void what_stands_elsewhere_travels(void **state)
{
    (void)state;
    static uint8_t around[SIZE + 200];
    const struct original middle = {around + 100, uses};
    struct places places = {.original = &middle}, none = {0};
    const struct frame frames[] = {
        {1, 0, 1, 60, packets, 60},
        {1, 0, 1, 60, around + 99, 60},
        {1, 0, 1, 60, around + SIZE + 100, 1},
        {1, 0, 1, UINT16_MAX + 1, around + 100, UINT16_MAX + 1},
        {1, 0, 1, 60, around + 100, 0},
    };
    for (size_t i = 0; i < 3 * sizeof frames / sizeof frames[0]; i++) {
        struct places *used = i % 3 == 0 ? &places : i % 3 == 1 ? &none : NULL;
        struct buffer wire = {0};
        struct frame back;
        frame_pack(&wire, &frames[i / 3], used);
        struct unpack u = unpack_over(wire.bytes, wire.length);
        assert_int_equal(frame_unpack(&u, used, &back), FRAME_PACKET);
        assert_int_equal(back.length, frames[i / 3].length);
        assert_true(back.bytes > wire.bytes && back.bytes <= wire.bytes + wire.length);
        buffer_free(&wire);
    }
    assert_int_equal(all_uses(), 0);
}

/* Places behind the last piece, over a piece's end, and where there is no such memory. */
static void places_that_lead_nowhere_are_refused(void **state)
{
    (void)state;
    struct places sent = {.original = &SENDERS}, got = {.original = &RECEIVERS}, none = {0};
    const struct {
        uint64_t offset;
        uint32_t length;
        bool sound;
    } cases[] = {{0, 60, true},
                 {SIZE - 60, 60, true},
                 {SIZE - 59, 60, false},
                 {SIZE, 1, false},
                 {PIECE - 60, 60, true},
                 {PIECE - 59, 60, false},
                 {(1ULL << 48) - 1, 1, false},
                 {5 * PIECE, UINT16_MAX, true}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        bool events = i % 2;
        struct event event = {.kind = TAPLINE_DATA, .data = {.bytes = packets, .length = 60}};
        struct buffer wire = {0};
        struct frame frame_back;
        if (events)
            event_pack(&wire, &event, &sent);
        else
            frame_pack(&wire, &FRAMES[0], &sent);
        places_end(&sent);
        big_endian_put_64(wire.bytes + wire.length - 8,
                          cases[i / 2].offset << PLACE_LENGTH_BITS | cases[i / 2].length);
        for (int without = 0; without < 2; without++) {
            struct places *used = without ? &none : &got;
            struct unpack u = unpack_over(wire.bytes, wire.length);
            bool read = events ? event_unpack(&u, used, &event) == 0
                               : frame_unpack(&u, used, &frame_back) == FRAME_PACKET;
            assert_int_equal(read, cases[i / 2].sound && !without);
        }
        buffer_free(&wire);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_back_from_the_receivers_memory),
        cmocka_unit_test(events_come_back_from_the_receivers_memory),
        cmocka_unit_test(a_message_uses_each_piece_once),
        cmocka_unit_test(what_stands_elsewhere_travels),
        cmocka_unit_test(places_that_lead_nowhere_are_refused),
    };
    return cmocka_run_group_tests_name("original", tests, NULL, NULL);
}
