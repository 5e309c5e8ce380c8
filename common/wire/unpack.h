/*
 * Reading msgpack that came from outside, in place: nothing is allocated and nothing copied,
 * every type, range and length is checked before use. The first thing that is not as asked
 * for makes the reader failed for good (`error`: ERR_TRUNCATED or ERR_MALFORMED) and all later
 * reads give zeros, so that a whole structure can be read and asked about once.
 * (msgpack-c's own unpacker builds a tree of objects for every message; it serves the tests as
 * the witness for this one.)
 */
#ifndef TAPLINE_COMMON_UNPACK_H
#define TAPLINE_COMMON_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/big_endian.h"

struct unpack {
    const uint8_t *at;
    const uint8_t *end;
    int error;
};

enum unpack_type {
    UNPACK_NONE, /* failed, or nothing is left */
    UNPACK_NIL,
    UNPACK_BOOL,
    UNPACK_INT, /* of either sign */
    UNPACK_DOUBLE,
    UNPACK_STR,
    UNPACK_BIN,
    UNPACK_ARRAY,
    UNPACK_MAP,
    UNPACK_TIME,
    UNPACK_OTHER, /* an extension that is no timestamp */
};

/** A run of borrowed bytes. */
struct slice {
    const uint8_t *bytes;
    size_t length;
};

static inline struct unpack unpack_over(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    return (struct unpack){.at = at, .end = at ? at + length : at, .error = 0};
}

/** What stands next; the reader does not move. */
enum unpack_type unpack_type(const struct unpack *u);

/** What those below do where the message is about to end, or something else stands there. */
uint64_t unpack_uint_checked(struct unpack *u);
int64_t unpack_int_checked(struct unpack *u);
struct slice unpack_str_checked(struct unpack *u);
struct slice unpack_bin_checked(struct unpack *u);
uint32_t unpack_array_checked(struct unpack *u);

enum { UNPACK_LONGEST_NUMBER = 9 };

/** Reads a number that is not negative at a place with UNPACK_LONGEST_NUMBER bytes, in the form
 *  that pack_put_uint writes; where it ends, or NULL: something else. One load reads it, whatever
 *  its width: most of what travels are such numbers. */
static inline const uint8_t *unpack_get_uint(const uint8_t *at, uint64_t *value)
{
    *value = *at;
    if (*at < 0x80)
        return at + 1;
    if ((*at & 0xfc) != 0xcc)
        return NULL;
    unsigned bits = 8u << (*at & 3);
    *value = big_endian_64(at + 1) >> (64 - bits);
    return at + 1 + bits / 8;
}

/** A number that is not negative. */
static inline uint64_t unpack_uint(struct unpack *u)
{
    uint64_t value;
    bool room = u->end - u->at >= UNPACK_LONGEST_NUMBER;
    const uint8_t *behind = room ? unpack_get_uint(u->at, &value) : NULL;
    if (!behind)
        return unpack_uint_checked(u);
    u->at = behind;
    return value;
}

/** A number of either sign that fits 64 bits. */
static inline int64_t unpack_int(struct unpack *u)
{
    uint64_t value;
    bool room = u->end - u->at >= UNPACK_LONGEST_NUMBER;
    const uint8_t *behind = room ? unpack_get_uint(u->at, &value) : NULL;
    if (!behind || value > INT64_MAX)
        return unpack_int_checked(u);
    u->at = behind;
    return (int64_t)value;
}

/** A number of any kind, as a double. */
double unpack_double(struct unpack *u);
bool unpack_bool(struct unpack *u);
void unpack_nil(struct unpack *u);
/** Nanoseconds since 1970 of a msgpack timestamp; what does not fit 64 bits is malformed. */
int64_t unpack_time(struct unpack *u);
static inline struct slice unpack_str(struct unpack *u)
{
    const uint8_t *at = u->at;
    size_t left = (size_t)(u->end - at), length = left ? (size_t)(*at ^ 0xa0) : SIZE_MAX;
    if (length > 0x1f || left <= length)
        return unpack_str_checked(u);
    u->at += 1 + length;
    return (struct slice){at + 1, length};
}

static inline struct slice unpack_bin(struct unpack *u)
{
    const uint8_t *at = u->at;
    size_t left = (size_t)(u->end - at);
    bool known = left >= 3 && (*at == 0xc4 || *at == 0xc5);
    size_t head = known && *at == 0xc5 ? 3 : 2;
    size_t length = !known ? SIZE_MAX : head == 3 ? big_endian_16(at + 1) : at[1];
    if (!known || left - head < length)
        return unpack_bin_checked(u);
    u->at += head + length;
    return (struct slice){at + head, length};
}

/** The count of an array whose values follow; never more than the bytes that are left. */
static inline uint32_t unpack_array(struct unpack *u)
{
    size_t left = (size_t)(u->end - u->at);
    if (left > 0x10 && (*u->at & 0xf0) == 0x90)
        return *u->at++ & 0x0f;
    return unpack_array_checked(u);
}

/** Like unpack_array, and malformed where it holds fewer than `least`. */
uint32_t unpack_array_of(struct unpack *u, uint32_t least);
/** The pairs of a map whose keys and values follow. */
uint32_t unpack_map(struct unpack *u);

/** Steps over one whole value, whatever it holds; nested at most 32 deep. */
void unpack_skip(struct unpack *u);
/** Steps over `count` values: the fields of an array behind those that one knows. */
void unpack_skip_many(struct unpack *u, uint32_t count);
/** One whole value as the bytes that it is made of, stepping over it. */
struct slice unpack_raw(struct unpack *u);

/** Makes the reader failed, for a value that is well formed but means nothing. */
void unpack_refuse(struct unpack *u);

#endif
