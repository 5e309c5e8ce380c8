/* Frames and events whose bytes stand in a file that both sides have: only their places travel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/wire/event.h"
#include "common/wire/frame.h"

enum { SIZE = 2 * (UINT16_MAX + 1) };

static uint8_t file[SIZE];       /* as the sender has it, */
static uint8_t other_file[SIZE]; /* and the receiver */

static struct original original_of(const uint8_t *bytes)
{
    return (struct original){bytes, SIZE, UINT64_MAX, 0};
}

static int open_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        file[i] = other_file[i] = (uint8_t)(i * 31 + i / 251);
    return 0;
}

static const struct frame FRAMES[] = {
    {1, 0, 1, 60, file, 60},
    {UINT32_MAX, INT64_MAX, 127, UINT16_MAX, file + 1, UINT16_MAX},
    {UINT32_MAX + UINT64_C(1), 1, 1, 60, file + 77, 60},
    {1, -1, 1, 60, file + 1000, 60},
    {1, 1, 128, 60, file + 1000, 1},
    {1, 1, 1, UINT16_MAX + 1, file + SIZE - 60, 60},
};

static void frames_come_back_from_the_receivers_file(void **state)
{
    (void)state;
    struct original from = original_of(file), to = original_of(other_file);
    for (size_t i = 0; i < sizeof FRAMES / sizeof FRAMES[0]; i++) {
        const struct frame *frame = &FRAMES[i];
        struct buffer wire = {0};
        struct frame back;
        frame_pack(&wire, frame, &from);
        assert_true(wire.length < 50);
        for (size_t length = 0; length <= wire.length; length++) {
            struct unpack u = unpack_over(wire.bytes, length);
            assert_int_equal(frame_unpack(&u, &to, &back) == FRAME_PACKET, length == wire.length);
        }
        assert_int_equal(back.number, frame->number);
        assert_true(back.time_ns == frame->time_ns);
        assert_int_equal(back.link, frame->link);
        assert_int_equal(back.wire_length, frame->wire_length);
        assert_int_equal(back.length, frame->length);
        assert_ptr_equal(back.bytes, other_file + (frame->bytes - file));
        buffer_free(&wire);
    }
    assert_int_equal(to.from, 0);
    assert_int_equal(to.to, SIZE);
}

static void events_come_back_from_the_receivers_file(void **state)
{
    (void)state;
    const uint64_t beyond_32 = UINT64_C(1) << 32;
    const struct event_data forms[] = {
        {1, 127, UINT32_MAX, INT64_MAX, UINT32_MAX, UINT16_MAX, file + 5, UINT16_MAX},
        {0, 128, 1, 2, 3, 4, file + 6, 5},
        {0, 1, beyond_32, 2, 3, 4, file + SIZE - 5, 5},
        {0, 1, 2, -1, 3, 4, file, 5},
        {0, 1, 2, 3, beyond_32, 4, file, 1},
        {0, 1, 2, 3, 4, UINT16_MAX + 1, file, 5},
    };
    struct original from = original_of(file), to = original_of(other_file);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct event event = {.kind = TAPLINE_DATA, .flow = UINT64_MAX, .data = forms[i]}, back;
        struct buffer wire = {0};
        event_pack(&wire, &event, &from);
        assert_true(wire.length < 80);
        for (size_t length = 0; length <= wire.length; length++) {
            struct unpack u = unpack_over(wire.bytes, length);
            assert_int_equal(event_unpack(&u, &to, &back) == 0, length == wire.length);
        }
        assert_true(back.flow == event.flow);
        assert_int_equal(back.data.direction, event.data.direction);
        assert_int_equal(back.data.flags, event.data.flags);
        assert_true(back.data.offset == event.data.offset);
        assert_true(back.data.time_ns == event.data.time_ns);
        assert_true(back.data.packet == event.data.packet);
        assert_int_equal(back.data.missing, event.data.missing);
        assert_int_equal(back.data.length, event.data.length);
        assert_ptr_equal(back.data.bytes, other_file + (event.data.bytes - file));
        buffer_free(&wire);
    }
}

/* Bytes of elsewhere, at either edge too, and too many for a place. */
static void what_stands_elsewhere_travels(void **state)
{
    (void)state;
    static uint8_t around[SIZE + 200];
    struct original original = {around + 100, SIZE, UINT64_MAX, 0};
    const struct frame frames[] = {
        {1, 0, 1, 60, file, 60},
        {1, 0, 1, 60, around + 99, 60},
        {1, 0, 1, 60, around + SIZE + 41, 60},
        {1, 0, 1, 60, around + SIZE + 100, 1},
        {1, 0, 1, UINT16_MAX + 1, around + 100, UINT16_MAX + 1},
        {1, 0, 1, 60, around + 100, 0},
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct buffer wire = {0};
        struct frame back;
        frame_pack(&wire, &frames[i], &original);
        struct unpack u = unpack_over(wire.bytes, wire.length);
        assert_int_equal(frame_unpack(&u, &original, &back), FRAME_PACKET);
        assert_int_equal(back.length, frames[i].length);
        assert_true(back.bytes > wire.bytes && back.bytes <= wire.bytes + wire.length);
        buffer_free(&wire);
    }
    assert_true(original.from == UINT64_MAX);
}

/* A place that leads out of the file, and one where there is no file. */
static void places_that_lead_nowhere_are_refused(void **state)
{
    (void)state;
    struct original from = original_of(file), shorter = {other_file, 1059, UINT64_MAX, 0};
    struct event event = {.kind = TAPLINE_DATA, .data = {.bytes = file + 1000, .length = 60}};
    struct buffer frame = {0}, data = {0};
    frame_pack(&frame, &FRAMES[3], &from);
    event_pack(&data, &event, &from);
    for (int i = 0; i < 2; i++) {
        struct original *to = i ? &shorter : NULL;
        struct frame frame_back;
        struct event event_back;
        struct unpack u = unpack_over(frame.bytes, frame.length);
        assert_int_equal(frame_unpack(&u, to, &frame_back), ERR_MALFORMED);
        u = unpack_over(data.bytes, data.length);
        assert_int_equal(event_unpack(&u, to, &event_back), ERR_MALFORMED);
    }
    shorter.size = 1060;
    struct frame back;
    struct unpack u = unpack_over(frame.bytes, frame.length);
    assert_int_equal(frame_unpack(&u, &shorter, &back), FRAME_PACKET);
    buffer_free(&frame);
    buffer_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_back_from_the_receivers_file),
        cmocka_unit_test(events_come_back_from_the_receivers_file),
        cmocka_unit_test(what_stands_elsewhere_travels),
        cmocka_unit_test(places_that_lead_nowhere_are_refused),
    };
    return cmocka_run_group_tests_name("original", tests, open_files, NULL);
}
