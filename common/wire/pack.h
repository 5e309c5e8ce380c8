/*
 * Writing msgpack into a buffer: msgpack-c's packer, with the few shapes that tapline sends.
 * Nothing here fails by itself; a buffer that found no memory says so at the end (buffer.h).
 */
#ifndef TAPLINE_COMMON_PACK_H
#define TAPLINE_COMMON_PACK_H

#include <msgpack/pack.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/big_endian.h"
#include "common/base/buffer.h"

/** msgpack-c's write callback. In the header so that the compiler can fold it into each pack. */
static inline int pack_write(void *to, const char *bytes, size_t length)
{
    struct buffer *b = to;
    if (b->failed || b->size - b->length < length)
        return buffer_append(b, bytes, length);
    if (length > 0) /* what is empty may be NULL */
        memcpy(b->bytes + b->length, bytes, length);
    b->length += length;
    return 0;
}

static inline msgpack_packer pack_to(struct buffer *b)
{
    return (msgpack_packer){.data = b, .callback = pack_write};
}

enum { PACK_LONGEST_NUMBER = 9 };

/** msgpack's tags, where a form is written by hand. */
enum {
    PACK_TAGS = 0x80,     /* what is below is a number by itself */
    PACK_FIXARRAY = 0x90, /* an array of fewer than 16 values: their count stands in this byte */
    PACK_FIXSTR = 0xa0,   /* a text of fewer than 32 bytes: the same */
    PACK_FALSE = 0xc2,
    PACK_TRUE = 0xc3,
    PACK_BIN_8 = 0xc4, /* by the bits of the length */
    PACK_BIN_16 = 0xc5,
    PACK_BIN_32 = 0xc6,
    PACK_UINT_8 = 0xcc, /* by its bits */
    PACK_UINT_16 = 0xcd,
    PACK_UINT_32 = 0xce,
    PACK_UINT_64 = 0xcf,
    PACK_INT_64 = 0xd3,
    PACK_FIXEXT_8 = 0xd7, /* an extension: its type, and 8 bytes */
    PACK_STR_8 = 0xd9,    /* by the bits of the length */
    PACK_STR_16 = 0xda,
    PACK_STR_32 = 0xdb,
    PACK_ARRAY_16 = 0xdc, /* by the bits of the count */
};

/** Writes a number that is not negative at a place with PACK_LONGEST_NUMBER bytes of room, as short
 *  as msgpack has it; where it ends. Most of what travels are such numbers: hence by hand. */
static inline uint8_t *pack_put_uint(uint8_t *at, uint64_t value)
{
    if (value < 0x80) {
        *at = (uint8_t)value;
        return at + 1;
    }
    int wider = (value > UINT8_MAX) + (value > UINT16_MAX) + (value > UINT32_MAX);
    int bytes = 1 << wider;
    *at = (uint8_t)(PACK_UINT_8 + wider);
    big_endian_put_64(at + 1, value << (64 - 8 * bytes)); /* what is too much is written over */
    return at + 1 + bytes;
}

/** Writes a number of either sign there; where it ends. Negative ones are too few to be short. */
static inline uint8_t *pack_put_int(uint8_t *at, int64_t value)
{
    if (value >= 0)
        return pack_put_uint(at, (uint64_t)value);
    at[0] = PACK_INT_64;
    big_endian_put_64(at + 1, (uint64_t)value);
    return at + 9;
}

/** Writes the head of `length` bytes of bin there; where the bytes belong. */
static inline uint8_t *pack_put_bin_head(uint8_t *at, uint32_t length)
{
    if (length <= UINT8_MAX) {
        at[0] = PACK_BIN_8;
        at[1] = (uint8_t)length;
        return at + 2;
    }
    if (length <= UINT16_MAX) {
        at[0] = PACK_BIN_16;
        big_endian_put_16(at + 1, (uint16_t)length);
        return at + 3;
    }
    at[0] = PACK_BIN_32;
    big_endian_put_32(at + 1, length);
    return at + 5;
}

/** An array of so many values, which must follow. */
static inline void pack_array(struct buffer *b, size_t count)
{
    msgpack_packer p = pack_to(b);
    msgpack_pack_array(&p, count);
}

/** A map of so many pairs, which must follow: key, value, key, value ... */
static inline void pack_map(struct buffer *b, size_t pairs)
{
    msgpack_packer p = pack_to(b);
    msgpack_pack_map(&p, pairs);
}

static inline void pack_uint(struct buffer *b, uint64_t value)
{
    uint8_t *at = buffer_reserve(b, PACK_LONGEST_NUMBER);
    if (at)
        b->length += (size_t)(pack_put_uint(at, value) - at);
}

static inline void pack_int(struct buffer *b, int64_t value)
{
    uint8_t *at = buffer_reserve(b, PACK_LONGEST_NUMBER);
    if (at)
        b->length += (size_t)(pack_put_int(at, value) - at);
}

static inline void pack_double(struct buffer *b, double value)
{
    msgpack_packer p = pack_to(b);
    msgpack_pack_double(&p, value);
}

static inline void pack_bool(struct buffer *b, bool value)
{
    msgpack_packer p = pack_to(b);
    if (value)
        msgpack_pack_true(&p);
    else
        msgpack_pack_false(&p);
}

static inline void pack_nil(struct buffer *b)
{
    msgpack_packer p = pack_to(b);
    msgpack_pack_nil(&p);
}

/** Bytes, as they are. */
static inline void pack_bin(struct buffer *b, const void *bytes, size_t length)
{
    msgpack_packer p = pack_to(b);
    msgpack_pack_bin(&p, length);
    msgpack_pack_bin_body(&p, bytes, length);
}

/** Writes the head of `length` bytes of str there; where the bytes belong. */
static inline uint8_t *pack_put_str_head(uint8_t *at, uint32_t length)
{
    if (length < 32) {
        at[0] = (uint8_t)(PACK_FIXSTR | length);
        return at + 1;
    }
    if (length <= UINT8_MAX) {
        at[0] = PACK_STR_8;
        at[1] = (uint8_t)length;
        return at + 2;
    }
    if (length <= UINT16_MAX) {
        at[0] = PACK_STR_16;
        big_endian_put_16(at + 1, (uint16_t)length);
        return at + 3;
    }
    at[0] = PACK_STR_32;
    big_endian_put_32(at + 1, length);
    return at + 5;
}

/** A string constant of ours, which is UTF-8 already. In place wherever it is called, so that the
 *  compiler knows how long it is. */
__attribute__((always_inline)) static inline void pack_str(struct buffer *b, const char *text)
{
    size_t length = strlen(text);
    uint8_t *at = buffer_reserve(b, PACK_LONGEST_NUMBER + length);
    if (!at)
        return;
    at = pack_put_str_head(at, (uint32_t)length);
    memcpy(at, text, length);
    b->length = (size_t)(at - b->bytes) + length;
}

/** Text from the wire as a str: UTF-8, invalid sequences dropped (text.h). */
void pack_text(struct buffer *b, const void *bytes, size_t length);

/** A time in nanoseconds since 1970 as a msgpack timestamp (extension -1, 64 or 96 bits). */
void pack_time(struct buffer *b, int64_t time_ns);

/** Opens an array whose count is not known yet; returns its place for pack_array_close. */
size_t pack_array_open(struct buffer *b);

/** Writes the count of an array that was opened at `place`. */
void pack_array_close(struct buffer *b, size_t place, uint32_t count);

/** The same for a map whose pairs are not counted yet. */
size_t pack_map_open(struct buffer *b);
void pack_map_close(struct buffer *b, size_t place, uint32_t pairs);

#endif
