/*
 * Bytes of a capture that need not travel: both who sends them and who receives them can read the
 * file that they stand in, the original. Then a message has their place in it instead, an extension
 * of msgpack's (<tapline/wire.h>), and nobody copies them.
 */
#ifndef TAPLINE_COMMON_ORIGINAL_H
#define TAPLINE_COMMON_ORIGINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <tapline/wire.h>

#include "common/base/big_endian.h"
#include "common/wire/pack.h"
#include "common/wire/unpack.h"

/** The original as it stands in this process's memory, and what was read of it. NULL wherever one
 *  is asked for: there is none. */
struct original {
    const uint8_t *bytes;
    uint64_t size;
    uint64_t from, to; /* all that places led to since these were set to UINT64_MAX and 0 */
};

/** A place on the wire: its tag, its type, and 64 bits, of which the lowest are the length. */
enum {
    PLACE_LENGTH_BITS = 16,
    PLACE_MOST_BYTES = (1 << PLACE_LENGTH_BITS) - 1,
    PLACE_SIZE = 10,
};

/** No original is larger. */
#define ORIGINAL_MOST_BYTES (UINT64_C(1) << (64 - PLACE_LENGTH_BITS))

/** Do these bytes stand in it, so that a place says which they are? Bytes are what the length says,
 *  not 0 of them. */
static inline bool original_has(const struct original *original, const uint8_t *bytes,
                                uint32_t length)
{
    uint64_t offset = (uint64_t)((uintptr_t)bytes - (original ? (uintptr_t)original->bytes : 0));
    return original && length && length <= PLACE_MOST_BYTES && offset < original->size &&
           length <= original->size - offset;
}

/** Writes the place of bytes that it has, where there is room for PLACE_SIZE; where that ends. */
static inline uint8_t *original_put(uint8_t *at, const struct original *original,
                                    const uint8_t *bytes, uint32_t length)
{
    at[0] = PACK_FIXEXT_8;
    at[1] = TAPLINE_PLACE;
    big_endian_put_64(at + 2, (uint64_t)(bytes - original->bytes) << PLACE_LENGTH_BITS | length);
    return at + PLACE_SIZE;
}

/** Reads a place that stands there in full; false: there is none, or it leads out of the original.
 */
static inline bool original_get(const uint8_t *at, struct original *original, const uint8_t **bytes,
                                uint32_t *length)
{
    uint64_t place = big_endian_64(at + 2), offset = place >> PLACE_LENGTH_BITS;
    *length = (uint32_t)(place & PLACE_MOST_BYTES);
    if (!original || at[0] != PACK_FIXEXT_8 || at[1] != TAPLINE_PLACE || offset > original->size ||
        *length > original->size - offset)
        return false;
    *bytes = original->bytes + offset;
    original->from = offset < original->from ? offset : original->from;
    original->to = offset + *length > original->to ? offset + *length : original->to;
    return true;
}

/** Reads bytes in either form: a bin, or a place. */
static inline struct slice original_unpack(struct unpack *from, struct original *original)
{
    const uint8_t *bytes;
    uint32_t length;
    if (from->end - from->at < PLACE_SIZE || !original_get(from->at, original, &bytes, &length))
        return unpack_bin(from);
    from->at += PLACE_SIZE;
    return (struct slice){bytes, length};
}

#endif
