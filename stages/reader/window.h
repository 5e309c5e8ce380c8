/*
 * The part of a capture's content that was read and not passed over yet. Packets and blocks stand
 * in it in one piece, and are given out where they stand, so that none is copied for that.
 */
#ifndef TAPLINE_READER_WINDOW_H
#define TAPLINE_READER_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/cache.h"
#include "stages/reader/inflate.h"

/** Zeroed but for `input`, which is borrowed: nothing was read yet. */
struct window {
    struct inflate *input;
    const uint8_t *bytes; /* what is there: it stands in `read`, or in the content's mapping, */
    size_t length;        /* and ends so many bytes behind its beginning */
    size_t at;            /* where in it the content goes on */
    size_t fetched;       /* up to where it was sent for (window_fetch) */
    uint64_t before;      /* bytes of the content that stood before it */
    bool unmapped;        /* it has come to the mapping's end */
    struct buffer read;
};

/** What window_need does where they are not there yet. */
int window_fill(struct window *window, size_t length);

/** Reads on until so many bytes stand in one piece. 0; ERR_EOF where the content ends before them;
 *  ERR_TRUNCATED, ERR_STOPPED or ERR_AGAIN as inflate_read() has it; -ENOMEM. */
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

/** Has what follows fetched into the cache, a few lines of it: as many as there are in most
 * packets, so that of small ones everything is under way, and of large ones their beginnings. */
static inline void window_fetch(struct window *window)
{
    enum { AHEAD = 2048, LINES = 8 };
    size_t from = window->fetched > window->at ? window->fetched : window->at;
    size_t to = window->at + AHEAD < window->length ? window->at + AHEAD : window->length;
    if (to > from + LINES * CACHE_LINE)
        to = from + LINES * CACHE_LINE;
    if (from >= to)
        return;
    cache_fetch(window->bytes + from, to - from);
    window->fetched = to;
}

/** Gives the memory back. */
void window_free(struct window *window);

#endif
