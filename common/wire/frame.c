#include "common/wire/frame.h"

#include "common/wire/pack.h"

enum { PACKET_FIELDS = 5, CLOCK_FIELDS = 1 };

void frame_pack(struct buffer *to, const struct frame *frame)
{
    uint8_t *at = buffer_reserve(to, (1 + PACKET_FIELDS) * PACK_LONGEST_NUMBER + frame->length);
    if (!at)
        return;
    *at++ = PACK_FIXARRAY | PACKET_FIELDS;
    at = pack_put_uint(at, frame->number);
    at = pack_put_int(at, frame->time_ns);
    at = pack_put_uint(at, frame->link);
    at = pack_put_uint(at, frame->wire_length);
    at = pack_put_bin_head(at, frame->length);
    if (frame->length) /* what is empty may be NULL */
        memcpy(at, frame->bytes, frame->length);
    to->length = (size_t)(at - to->bytes) + frame->length;
}

void frame_pack_clock(struct buffer *to, int64_t time_ns)
{
    pack_array(to, CLOCK_FIELDS);
    pack_int(to, time_ns);
}

static uint32_t narrow(struct unpack *from)
{
    uint64_t value = unpack_uint(from);
    if (value > UINT32_MAX)
        unpack_refuse(from);
    return (uint32_t)value;
}

int frame_unpack(struct unpack *from, struct frame *frame)
{
    uint32_t fields = unpack_array(from);
    if (fields < PACKET_FIELDS) {
        frame->time_ns = unpack_int(from);
        if (!from->error && fields != CLOCK_FIELDS)
            unpack_refuse(from);
        return from->error ? from->error : FRAME_CLOCK;
    }
    frame->number = unpack_uint(from);
    frame->time_ns = unpack_int(from);
    frame->link = narrow(from);
    frame->wire_length = narrow(from);
    struct slice bytes = unpack_bin(from);
    frame->bytes = bytes.bytes;
    frame->length = (uint32_t)bytes.length;
    if (!from->error && fields > PACKET_FIELDS)
        unpack_skip_many(from, fields - PACKET_FIELDS);
    return from->error ? from->error : FRAME_PACKET;
}
