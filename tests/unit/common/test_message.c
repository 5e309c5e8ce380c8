/* Heads, frames and the capture document on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/wire/capture.h"
#include "common/wire/mark.h"
#include "common/wire/frame.h"
#include "common/wire/message.h"
#include "common/wire/pack.h"

static const struct message_head HEAD = {TAPLINE_EVENTS, UINT64_MAX, 2, 3, 1700000000000000000, 5,
                                         1700000000123456789, NULL};

static void a_head_stands_right_before_its_body(void **state)
{
    (void)state;
    struct buffer message = {0};
    message_open(&message);
    pack_str(&message, "body");
    size_t start = message_seal(&message, &HEAD);
    struct unpack from = unpack_over(message.bytes + start, message.length - start);
    struct message_head back;
    assert_int_equal(message_head_unpack(&from, &back), 0);
    assert_memory_equal(&back.capture, &HEAD.capture, sizeof back.capture);
    assert_int_equal(back.kind, HEAD.kind);
    assert_int_equal(back.sequence, 5);
    assert_int_equal(back.sent, HEAD.sent);
    struct slice body = unpack_str(&from);
    assert_int_equal(body.length, 4);
    assert_int_equal(unpack_uint(&from), HEAD.sent);
    assert_ptr_equal(from.at, from.end);
    buffer_free(&message);
}

static void a_message_may_do_without_its_time(void **state)
{
    (void)state;
    static const uint8_t head[] = "\x99\xa7tapline\x05\x03\x07\x01\x05\x06\x01";
    struct message_head back;
    uint8_t bytes[sizeof head + 8];
    memcpy(bytes, head, sizeof head - 1);
    /* A body that looks like a time is none, where the head counts nine fields, or eleven. */
    memset(bytes + sizeof head - 1, 0xcf, 9);
    for (bytes[0] = 0x99; bytes[0] <= 0x9b; bytes[0]++) {
        struct unpack from = unpack_over(bytes, sizeof bytes);
        assert_int_equal(message_head_unpack(&from, &back), 0);
        assert_int_equal(back.sent, 0);
    }
    bytes[0] = 0x9a;
    struct unpack from = unpack_over(bytes, sizeof head - 1); /* it ends within */
    assert_int_equal(message_head_unpack(&from, &back), 0);
    assert_int_equal(back.sent, 0);
}

static void strangers_and_other_versions_are_told_apart(void **state)
{
    (void)state;
    struct buffer b = {0};
    struct message_head back;
    pack_array(&b, 2);
    pack_str(&b, "tapline");
    pack_uint(&b, TAPLINE_WIRE_VERSION + 1);
    struct unpack from = unpack_over(b.bytes, b.length);
    assert_int_equal(message_head_unpack(&from, &back), ERR_VERSION);
    buffer_clear(&b);
    pack_array(&b, 2);
    pack_str(&b, "another");
    pack_uint(&b, TAPLINE_WIRE_VERSION);
    from = unpack_over(b.bytes, b.length);
    assert_int_equal(message_head_unpack(&from, &back), ERR_MALFORMED);
    buffer_free(&b);
}

static void frames_and_clocks_come_back(void **state)
{
    (void)state;
    const struct frame frame = {9, -1, 276, 1500, (const uint8_t *)"frame", 5};
    struct buffer b = {0};
    frame_pack(&b, &frame, NULL);
    frame_pack_clock(&b, 12345);
    struct unpack from = unpack_over(b.bytes, b.length);
    struct frame back;
    assert_int_equal(frame_unpack(&from, NULL, &back), FRAME_PACKET);
    assert_int_equal(back.number, 9);
    assert_int_equal(back.time_ns, -1);
    assert_int_equal(back.link, 276);
    assert_int_equal(back.wire_length, 1500);
    assert_int_equal(back.length, 5);
    assert_memory_equal(back.bytes, "frame", 5);
    assert_int_equal(frame_unpack(&from, NULL, &back), FRAME_CLOCK);
    assert_int_equal(back.time_ns, 12345);
    assert_int_equal(frame_unpack(&from, NULL, &back), ERR_TRUNCATED);
    buffer_free(&b);
}

static void same_frame(const struct frame *a, const struct frame *b)
{
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->time_ns, b->time_ns);
    assert_int_equal(a->link, b->link);
    assert_int_equal(a->wire_length, b->wire_length);
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->bytes, b->bytes, a->length);
}

/* Around each limit of the form that frames mostly have, and in the shortest form, which another
 * sender may choose; cut short anywhere they are none. */
static void frames_of_any_size_come_back(void **state)
{
    (void)state;
    static const uint8_t bytes[UINT16_MAX + 1] = {1, 2, 3};
    const struct frame frames[] = {
        {1, 0, 1, 60, bytes, 60},
        {UINT32_MAX, INT64_MAX, 127, UINT16_MAX, bytes, UINT16_MAX},
        {UINT32_MAX + UINT64_C(1), 1, 1, 60, bytes, 60},
        {1, -1, 1, 60, bytes, 60},
        {1, INT64_MIN, 1, 60, bytes, 0},
        {1, 1, 128, 60, bytes, 60},
        {1, 1, 1, UINT16_MAX + 1, bytes, 60},
        {1, 1, 1, UINT16_MAX + 1, bytes, UINT16_MAX + 1},
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct buffer forms[2] = {{0}, {0}};
        frame_pack(&forms[0], &frames[i], NULL);
        pack_array(&forms[1], 5);
        pack_uint(&forms[1], frames[i].number);
        pack_int(&forms[1], frames[i].time_ns);
        pack_uint(&forms[1], frames[i].link);
        pack_uint(&forms[1], frames[i].wire_length);
        pack_bin(&forms[1], frames[i].bytes, frames[i].length);
        for (int form = 0; form < 2; form++) {
            struct frame back;
            struct unpack from = unpack_over(forms[form].bytes, forms[form].length);
            assert_int_equal(frame_unpack(&from, NULL, &back), FRAME_PACKET);
            same_frame(&frames[i], &back);
            assert_true(from.at == from.end);
            for (size_t length = 0; length < 40 && length < forms[form].length; length++) {
                from = unpack_over(forms[form].bytes, length);
                assert_int_equal(frame_unpack(&from, NULL, &back), ERR_TRUNCATED);
            }
            buffer_free(&forms[form]);
        }
    }
}

static struct slice slice(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

static void the_document_comes_back(void **state)
{
    (void)state;
    struct capture capture = {
        .reader = 7,
        .control = slice("ipc:///x"),
        .out = slice("/tmp/\xff"),
        .zone = slice("Asia/Shanghai"),
        .profile = slice("{}"),
        .sources = slice("\x91\x01"),
        .request = slice("{}"),
        .sink = 9,
        .trackers = slice("\x91\x02"),
        .limits = LIMITS_DEFAULT,
        .live = true,
        .early = true,
    };
    capture.limits.tcp_idle = 0;
    capture.limits.reorder = 4096;
    struct buffer b = {0};
    capture_pack(&b, &capture);
    struct unpack from = unpack_over(b.bytes, b.length);
    struct capture back = {0};
    assert_int_equal(capture_unpack(&from, &back), 0);
    assert_ptr_equal(from.at, from.end);
    assert_int_equal(back.out.length, 6);
    assert_memory_equal(back.out.bytes, "/tmp/\xff", 6);
    assert_memory_equal(&back.limits, &capture.limits, sizeof back.limits);
    assert_int_equal(back.sink, 9);
    assert_true(back.live);
    assert_false(back.opens);
    assert_true(back.early);
    for (size_t length = 0; length < b.length; length++) {
        from = unpack_over(b.bytes, length);
        assert_int_not_equal(capture_unpack(&from, &back), 0);
    }
    buffer_free(&b);
}

static void a_mark_comes_back(void **state)
{
    (void)state;
    const struct mark mark = {3, UINT64_C(1) << 40, 17, -1, 1, 2, INT64_MIN};
    struct mark back;
    struct buffer b = {0};
    mark_pack(&b, &mark);
    struct unpack from = unpack_over(b.bytes, b.length);
    assert_int_equal(mark_unpack(&from, &back), 0);
    assert_ptr_equal(from.at, from.end);
    assert_memory_equal(&back, &mark, sizeof back);
    for (size_t length = 0; length < b.length; length++) {
        from = unpack_over(b.bytes, length);
        assert_int_equal(mark_unpack(&from, &back), ERR_TRUNCATED);
    }
    buffer_free(&b);
}

/* No tracker has such an index. */
static void an_absurd_mark_is_refused(void **state)
{
    (void)state;
    const struct mark mark = {.tracker = 65536};
    struct mark back;
    struct buffer b = {0};
    mark_pack(&b, &mark);
    struct unpack from = unpack_over(b.bytes, b.length);
    assert_int_equal(mark_unpack(&from, &back), ERR_MALFORMED);
    buffer_free(&b);
}

static void a_limit_out_of_its_range_is_refused(void **state)
{
    (void)state;
    struct capture capture = {.sources = slice("\x90"), .trackers = slice("\x90"),
                              .limits = LIMITS_DEFAULT};
    capture.limits.handshake = 1; /* less than any hello */
    struct buffer b = {0};
    capture_pack(&b, &capture);
    struct unpack from = unpack_over(b.bytes, b.length);
    struct capture back = {0};
    assert_int_equal(capture_unpack(&from, &back), ERR_MALFORMED);
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_stands_right_before_its_body),
        cmocka_unit_test(a_message_may_do_without_its_time),
        cmocka_unit_test(strangers_and_other_versions_are_told_apart),
        cmocka_unit_test(frames_and_clocks_come_back),
        cmocka_unit_test(frames_of_any_size_come_back),
        cmocka_unit_test(the_document_comes_back),
        cmocka_unit_test(a_mark_comes_back),
        cmocka_unit_test(an_absurd_mark_is_refused),
        cmocka_unit_test(a_limit_out_of_its_range_is_refused),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
