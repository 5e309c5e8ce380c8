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

/** What the two below do with numbers of more than one byte. */
uint64_t unpack_uint_wide(struct unpack *u);
int64_t unpack_int_wide(struct unpack *u);

/** A number that is not negative. Most are one byte, hence in place. */
static inline uint64_t unpack_uint(struct unpack *u)
{
    return u->at < u->end && *u->at < 0x80 ? *u->at++ : unpack_uint_wide(u);
}

/** A number of either sign that fits 64 bits. */
static inline int64_t unpack_int(struct unpack *u)
{
    return u->at < u->end && *u->at < 0x80 ? *u->at++ : unpack_int_wide(u);
}

/** A number of any kind, as a double. */
double unpack_double(struct unpack *u);
bool unpack_bool(struct unpack *u);
void unpack_nil(struct unpack *u);
/** Nanoseconds since 1970 of a msgpack timestamp; what does not fit 64 bits is malformed. */
int64_t unpack_time(struct unpack *u);
struct slice unpack_str(struct unpack *u);
struct slice unpack_bin(struct unpack *u);

/** The count of an array whose values follow; never more than the bytes that are left. */
uint32_t unpack_array(struct unpack *u);
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
