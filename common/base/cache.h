/*
 * Fetching memory into the cache ahead of its use.
 */
#ifndef TAPLINE_COMMON_CACHE_H
#define TAPLINE_COMMON_CACHE_H

#include <stddef.h>
#include <stdint.h>

enum { CACHE_LINE = 64 };

/** Starts to fetch an object; nothing happens where it is NULL. */
static inline void cache_fetch(const void *object, size_t size)
{
    const uint8_t *at = object;
    for (size_t i = 0; at && i < size; i += CACHE_LINE)
        __builtin_prefetch(at + i);
    /* gcc takes a function that only fetches for one without effect, and leaves out its calls. */
    __asm__ volatile("");
}

#endif
