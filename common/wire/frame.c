#include "common/wire/frame.h"

#include "common/wire/pack.h"

enum { PACKET_FIELDS = 5, CLOCK_FIELDS = 1 };

/* The form that nearly every frame is packed in: msgpack lets a number be longer than it needs to,
 * and so each of these has its place, where it is written and read without a look at the others. */
enum {
    NUMBER_AT = 1, /* a tag, and 32 bits */
    TIME_AT = 6,   /* a tag, and 64 bits */
    LINK_AT = 15,  /* its own tag */
    WIRE_AT = 16,  /* a tag, and 16 bits */
    BYTES_AT = 19, /* a tag, and 16 bits of length; or a place */
    PLAIN_HEAD = 22,
    PLAIN_PLACED = BYTES_AT + PLACE_SIZE,
};

static bool is_plain(const struct frame *f)
{
    return f->number <= UINT32_MAX && f->time_ns >= 0 && f->link < PACK_TAGS &&
           (f->wire_length | f->length) <= UINT16_MAX;
}

static void put_plain_numbers(uint8_t *at, const struct frame *frame)
{
    at[0] = PACK_FIXARRAY | PACKET_FIELDS;
    at[NUMBER_AT] = PACK_UINT_32;
    big_endian_put_32(at + NUMBER_AT + 1, (uint32_t)frame->number);
    at[TIME_AT] = PACK_UINT_64;
    big_endian_put_64(at + TIME_AT + 1, (uint64_t)frame->time_ns);
    at[LINK_AT] = (uint8_t)frame->link;
    at[WIRE_AT] = PACK_UINT_16;
    big_endian_put_16(at + WIRE_AT + 1, (uint16_t)frame->wire_length);
}

static uint8_t *put_plain_head(uint8_t *at, const struct frame *frame)
{
    put_plain_numbers(at, frame);
    at[BYTES_AT] = PACK_BIN_16;
    big_endian_put_16(at + BYTES_AT + 1, (uint16_t)frame->length);
    return at + PLAIN_HEAD;
}

static uint8_t *put_numbers(uint8_t *at, const struct frame *frame)
{
    *at++ = PACK_FIXARRAY | PACKET_FIELDS;
    at = pack_put_uint(at, frame->number);
    at = pack_put_int(at, frame->time_ns);
    at = pack_put_uint(at, frame->link);
    return pack_put_uint(at, frame->wire_length);
}

static uint8_t *put_head(uint8_t *at, const struct frame *frame)
{
    return pack_put_bin_head(put_numbers(at, frame), frame->length);
}

static uint8_t *put_placed(uint8_t *at, const struct frame *frame, struct places *places)
{
    if (is_plain(frame)) {
        put_plain_numbers(at, frame);
        at += BYTES_AT;
    } else {
        at = put_numbers(at, frame);
    }
    return places_put(at, places, frame->bytes, frame->length);
}

void frame_pack(struct buffer *to, const struct frame *frame, struct places *places)
{
    bool placed = places_lead_to(places, frame->bytes, frame->length);
    size_t room = PACKET_FIELDS * PACK_LONGEST_NUMBER + PLACE_SIZE + (placed ? 0 : frame->length);
    uint8_t *at = buffer_reserve(to, room);
    if (!at)
        return;
    if (placed) {
        to->length = (size_t)(put_placed(at, frame, places) - to->bytes);
        return;
    }
    at = is_plain(frame) ? put_plain_head(at, frame) : put_head(at, frame);
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

/* False, with nothing read: the next element has another form. */
static bool unpack_plain(struct unpack *from, struct places *places, struct frame *frame)
{
    const uint8_t *at = from->at;
    size_t left = (size_t)(from->end - at);
    if (left < PLAIN_HEAD || at[0] != (PACK_FIXARRAY | PACKET_FIELDS) ||
        at[NUMBER_AT] != PACK_UINT_32 || at[TIME_AT] != PACK_UINT_64 || at[LINK_AT] >= PACK_TAGS ||
        at[WIRE_AT] != PACK_UINT_16)
        return false;
    bool placed = left >= PLAIN_PLACED &&
                  places_get(at + BYTES_AT, places, &frame->bytes, &frame->length);
    if (!placed && at[BYTES_AT] != PACK_BIN_16)
        return false;
    frame->number = big_endian_32(at + NUMBER_AT + 1);
    frame->time_ns = (int64_t)big_endian_64(at + TIME_AT + 1);
    frame->link = at[LINK_AT];
    frame->wire_length = big_endian_16(at + WIRE_AT + 1);
    if (frame->time_ns < 0)
        return false;
    if (placed) {
        from->at = at + PLAIN_PLACED;
        return true;
    }
    frame->bytes = at + PLAIN_HEAD;
    frame->length = big_endian_16(at + BYTES_AT + 1);
    if (left - PLAIN_HEAD < frame->length)
        return false;
    from->at = frame->bytes + frame->length;
    return true;
}

int frame_unpack(struct unpack *from, struct places *places, struct frame *frame)
{
    if (unpack_plain(from, places, frame))
        return FRAME_PACKET;
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
    struct slice bytes = places_unpack(from, places);
    frame->bytes = bytes.bytes;
    frame->length = (uint32_t)bytes.length;
    if (!from->error && fields > PACKET_FIELDS)
        unpack_skip_many(from, fields - PACKET_FIELDS);
    return from->error ? from->error : FRAME_PACKET;
}
