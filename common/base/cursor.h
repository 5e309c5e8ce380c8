/*
 * A bounded cursor over bytes from outside: every read is checked, and the first one that
 * does not fit makes the cursor bad for good, so that a parser can read a whole structure
 * and ask once whether all of it was there. Network byte order (RFC 1700).
 */
#ifndef TAPLINE_COMMON_CURSOR_H
#define TAPLINE_COMMON_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *at;  /* the next byte */
    const uint8_t *end; /* behind the last one */
    bool bad;           /* a read did not fit; all later ones give zeros */
};

/** A cursor over borrowed bytes. */
static inline struct cursor cursor_over(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    return (struct cursor){.at = at, .end = at ? at + length : at, .bad = false};
}

/** Bytes that are left; 0 once bad. */
static inline size_t cursor_left(const struct cursor *c)
{
    return c->bad ? 0 : (size_t)(c->end - c->at);
}

/** Takes the next `length` bytes, borrowed; NULL, and bad, where they are not there. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t length)
{
    if (c->bad || (size_t)(c->end - c->at) < length) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *bytes = c->at;
    c->at += length;
    return bytes;
}

/** Steps over bytes; false, and bad, where they are not there. */
static inline bool cursor_skip(struct cursor *c, size_t length)
{
    return cursor_take(c, length) != NULL;
}

/** Takes them as a cursor of their own; a bad one where they are not there. */
static inline struct cursor cursor_slice(struct cursor *c, size_t length)
{
    const uint8_t *bytes = cursor_take(c, length);
    struct cursor slice = cursor_over(bytes, bytes ? length : 0);
    slice.bad = bytes == NULL;
    return slice;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 1);
    return b ? b[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 2);
    return b ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

static inline uint32_t cursor_u24(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 3);
    return b ? (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2] : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 4);
    return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

static inline uint64_t cursor_u64(struct cursor *c)
{
    uint64_t high = cursor_u32(c);
    return high << 32 | cursor_u32(c);
}

#endif
