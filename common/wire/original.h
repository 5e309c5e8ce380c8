/*
 * Bytes of packets that need not travel: both who sends them and who receives them can read the
 * memory that they were read into, the original. Then a message has their place in it instead, an
 * extension of msgpack's (<tapline/wire.h>), and nobody copies them.
 *
 * The original is made of pieces, which are used again when nobody needs them any more: of each its
 * uses are counted. Whoever writes a place into a message makes that message use the piece; whoever
 * has dealt with the message ends that.
 */
#ifndef TAPLINE_COMMON_ORIGINAL_H
#define TAPLINE_COMMON_ORIGINAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <tapline/wire.h>

#include "common/base/big_endian.h"
#include "common/wire/pack.h"
#include "common/wire/unpack.h"

enum {
    ORIGINAL_PIECES = 64, /* as many as the bits of a number */
    ORIGINAL_PIECE_BITS = 18,
    ORIGINAL_PIECE = 1 << ORIGINAL_PIECE_BITS, /* bytes */
};

/** The original as this process sees it. */
struct original {
    const uint8_t *bytes;   /* ORIGINAL_PIECES of ORIGINAL_PIECE */
    _Atomic uint32_t *uses; /* of each piece */
};

/** The places in one message. */
struct places {
    const struct original *original; /* that they lead to; NULL: there are none */
    uint64_t pieces;                 /* that the message uses: a bit for each */
    uint32_t count;                  /* of these */
};

/** A place on the wire: its tag, its type, and 64 bits, of which the lowest are the length. */
enum {
    PLACE_LENGTH_BITS = 16,
    PLACE_MOST_BYTES = (1 << PLACE_LENGTH_BITS) - 1,
    PLACE_SIZE = 10,
};

/** Can a place say where these bytes stand? `places` may be NULL. */
static inline bool places_lead_to(const struct places *places, const uint8_t *bytes,
                                  uint32_t length)
{
    if (!places || !places->original)
        return false;
    uintptr_t offset = (uintptr_t)bytes - (uintptr_t)places->original->bytes;
    return length && length <= PLACE_MOST_BYTES &&
           offset < (uintptr_t)ORIGINAL_PIECES * ORIGINAL_PIECE;
}

/** The message uses this piece; false: it did before. */
static inline bool places_use(struct places *places, uint64_t piece)
{
    uint64_t bit = UINT64_C(1) << piece;
    if (places->pieces & bit)
        return false;
    places->pieces |= bit;
    places->count++;
    return true;
}

/** Writes the place of bytes that places_lead_to, where there is room for PLACE_SIZE, into a
 * message whose places these are; where that ends. */
static inline uint8_t *places_put(uint8_t *at, struct places *places, const uint8_t *bytes,
                                  uint32_t length)
{
    uint64_t offset = (uint64_t)(bytes - places->original->bytes);
    uint64_t piece = offset >> ORIGINAL_PIECE_BITS;
    if (places_use(places, piece))
        atomic_fetch_add_explicit(&places->original->uses[piece], 1, memory_order_relaxed);
    at[0] = PACK_FIXEXT_8;
    at[1] = TAPLINE_PLACE;
    big_endian_put_64(at + 2, offset << PLACE_LENGTH_BITS | length);
    return at + PLACE_SIZE;
}

/** Reads a place that stands there in full, in a message whose places these are; false: there is
 *  none, or it leads out of the original. `places` may be NULL. */
static inline bool places_get(const uint8_t *at, struct places *places, const uint8_t **bytes,
                              uint32_t *length)
{
    uint64_t place = big_endian_64(at + 2), offset = place >> PLACE_LENGTH_BITS;
    uint64_t piece = offset >> ORIGINAL_PIECE_BITS;
    *length = (uint32_t)(place & PLACE_MOST_BYTES);
    if (!places || !places->original || at[0] != PACK_FIXEXT_8 || at[1] != TAPLINE_PLACE ||
        piece >= ORIGINAL_PIECES || *length > ORIGINAL_PIECE - offset % ORIGINAL_PIECE)
        return false;
    places_use(places, piece);
    *bytes = places->original->bytes + offset;
    return true;
}

/** Reads bytes in either form: a bin, or a place. */
static inline struct slice places_unpack(struct unpack *from, struct places *places)
{
    const uint8_t *bytes;
    uint32_t length;
    if (from->end - from->at < PLACE_SIZE || !places_get(from->at, places, &bytes, &length))
        return unpack_bin(from);
    from->at += PLACE_SIZE;
    return (struct slice){bytes, length};
}

/** Whoever gets the message uses its pieces from now on. */
static inline void places_hand_over(struct places *places)
{
    places->pieces = 0;
    places->count = 0;
}

/** The message was dealt with: it uses no piece any more. */
static inline void places_end(struct places *places)
{
    for (; places->pieces; places->pieces &= places->pieces - 1)
        atomic_fetch_sub_explicit(&places->original->uses[__builtin_ctzll(places->pieces)], 1,
                                  memory_order_release);
    places->count = 0;
}

#endif
