/*
 * A fuzzer's input as the events of one flow: chunks of [flags, length (16 bits), bytes]. The last
 * one takes what is left.
 */
#ifndef TAPLINE_FUZZ_CHUNKS_H
#define TAPLINE_FUZZ_CHUNKS_H

#include "common/base/cursor.h"
#include "tests/unit/extractor/feed.h"

enum chunk_flag {
    CHUNK_RESPONDER = 1, /* the other direction */
    CHUNK_GAP = 2,       /* so many bytes were lost; none stand here */
    CHUNK_TURN = 4,
    CHUNK_SPECIAL = 8, /* what the target makes of it */
};

struct chunk {
    uint8_t flags;
    uint16_t announced; /* the length as it stands */
    const uint8_t *bytes;
    size_t length;
};

static inline bool chunk_next(struct cursor *in, struct chunk *chunk)
{
    chunk->flags = cursor_u8(in);
    chunk->announced = cursor_u16(in);
    if (in->bad)
        return false;
    size_t left = chunk->flags & CHUNK_GAP ? 0 : cursor_left(in);
    chunk->length = chunk->announced < left ? chunk->announced : left;
    chunk->bytes = cursor_take(in, chunk->length);
    return true;
}

static inline void chunk_feed(struct feed *f, const struct chunk *chunk)
{
    int side = chunk->flags & CHUNK_RESPONDER ? 1 : 0;
    if (chunk->flags & CHUNK_GAP)
        feed_gap(f, side, chunk->announced);
    else if (chunk->length > 0)
        feed_data(f, side, chunk->bytes, chunk->length,
                  chunk->flags & CHUNK_TURN ? TAPLINE_TURN : 0, 0);
}

#endif
