/*
 * The part of a capture's content that was read and not passed over yet. Packets and blocks stand
 * in it in one piece, and are given out where they stand, so that none is copied for that.
 */
#ifndef TAPLINE_READER_WINDOW_H
#define TAPLINE_READER_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "common/wire/original.h"
#include "stages/reader/inflate.h"

/** Where windows get their memory, so that others can read there, too: pieces of ORIGINAL_PIECE
 *  bytes. */
struct window_memory {
    /** A piece; NULL, with *error set: ERR_AGAIN: there is none yet. */
    uint8_t *(*take)(void *context, int *error);
    /** The window needs it no more. */
    void (*give)(void *context, const uint8_t *piece);
    void *context;
};

/** Zeroed but for these two, which are borrowed: nothing was read yet. `memory` may be NULL: it has
 *  its own. */
struct window {
    struct inflate *input;
    const struct window_memory *memory;
    uint8_t *bytes;  /* NULL: none yet */
    size_t room;     /* for so many of them; what is larger than a piece is its own */
    size_t length;   /* that were read, */
    size_t at;       /* and passed */
    uint64_t before; /* bytes of the content that stood before these */
};

/** What window_need does where they are not there yet. */
int window_fill(struct window *window, size_t length);

/** Reads on until so many bytes stand in one piece. 0; ERR_EOF where the content ends before them;
 *  ERR_TRUNCATED, ERR_STOPPED or ERR_AGAIN as inflate_read() has it; -ENOMEM; or what `take` said.
 */
static inline int window_need(struct window *window, size_t length)
{
    return window->length - window->at >= length ? 0 : window_fill(window, length);
}

/** Where the content goes on; what was needed stays there until the next window_need. */
static inline const uint8_t *window_here(const struct window *window)
{
    return window->bytes + window->at;
}

/** How many bytes are there already. */
static inline size_t window_left(const struct window *window)
{
    return window->length - window->at;
}

/** Where in the content that is. */
static inline uint64_t window_offset(const struct window *window)
{
    return window->before + window->at;
}

/** Passes over bytes, as many as were needed at most. */
static inline void window_pass(struct window *window, size_t length)
{
    window->at += length;
}

/** Gives the memory back. */
void window_free(struct window *window);

#endif
