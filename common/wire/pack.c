#include "common/wire/pack.h"

#include <msgpack/timestamp.h>

#include "common/base/text.h"

enum { NS_PER_S = 1000000000, ARRAY32 = 0xdd, MAP32 = 0xdf, OPEN_HEAD = 5 };

void pack_text(struct buffer *b, const void *bytes, size_t length)
{
    uint8_t *head = buffer_reserve(b, PACK_LONGEST_NUMBER + length);
    if (!head)
        return;
    if (text_valid(bytes, length) == length) {
        uint8_t *at = pack_put_str_head(head, (uint32_t)length);
        if (length) /* what is empty may be NULL */
            memcpy(at, bytes, length);
        b->length = (size_t)(at - b->bytes) + length;
        return;
    }
    /* The head needs the cleaned length, so clean in place behind the longest head. */
    char *room = (char *)head + PACK_LONGEST_NUMBER;
    size_t cleaned = text_clean(room, bytes, length);
    uint8_t *at = pack_put_str_head(head, (uint32_t)cleaned);
    memmove(at, room, cleaned);
    b->length = (size_t)(at - b->bytes) + cleaned;
}

void pack_time(struct buffer *b, int64_t time_ns)
{
    int64_t seconds = time_ns / NS_PER_S, rest = time_ns % NS_PER_S;
    if (rest < 0) {
        seconds--;
        rest += NS_PER_S;
    }
    msgpack_packer p = pack_to(b);
    msgpack_timestamp stamp = {.tv_sec = seconds, .tv_nsec = (uint32_t)rest};
    msgpack_pack_timestamp(&p, &stamp);
}

/* The head of what is counted later: a tag, and four bytes for the count. */
static size_t pack_open(struct buffer *b, uint8_t tag)
{
    size_t place = b->length;
    const uint8_t head[OPEN_HEAD] = {tag};
    buffer_append(b, head, sizeof head);
    return place;
}

static void pack_close(struct buffer *b, size_t place, uint32_t count)
{
    if (!b->failed)
        big_endian_put_32(b->bytes + place + 1, count);
}

size_t pack_array_open(struct buffer *b)
{
    return pack_open(b, ARRAY32);
}

void pack_array_close(struct buffer *b, size_t place, uint32_t count)
{
    pack_close(b, place, count);
}

size_t pack_map_open(struct buffer *b)
{
    return pack_open(b, MAP32);
}

void pack_map_close(struct buffer *b, size_t place, uint32_t pairs)
{
    pack_close(b, place, pairs);
}
