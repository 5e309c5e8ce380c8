/*
 * The part of a capture's content that was read and not passed over yet. Packets and blocks stand
 * in it in one piece, and are given out where they stand, so that none is copied for that.
 */
#ifndef TAPLINE_READER_WINDOW_H
#define TAPLINE_READER_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "stages/reader/inflate.h"

/** Zeroed but for `input`, which is borrowed: nothing was read yet. */
struct window {
    struct inflate *input;
    struct buffer bytes;
    size_t at; /* where in them the content goes on */
};

/** What window_need does where they are not there yet. */
int window_fill(struct window *window, size_t length);

/** Reads on until so many bytes stand in one piece. 0; ERR_EOF where the content ends before them;
 *  ERR_TRUNCATED, ERR_STOPPED or ERR_AGAIN as inflate_read() has it; -ENOMEM. */
static inline int window_need(struct window *window, size_t length)
{
    return window->bytes.length - window->at >= length ? 0 : window_fill(window, length);
}

/** Where the content goes on; what was needed stays there until the next window_need. */
static inline const uint8_t *window_here(const struct window *window)
{
    return window->bytes.bytes + window->at;
}

/** How many bytes are there already. */
static inline size_t window_left(const struct window *window)
{
    return window->bytes.length - window->at;
}

/** Passes over bytes, as many as were needed at most. */
static inline void window_pass(struct window *window, size_t length)
{
    window->at += length;
}

/** Gives the memory back. */
void window_free(struct window *window);

#endif
