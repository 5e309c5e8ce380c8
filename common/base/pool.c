#include "common/base/pool.h"

#include <sanitizer/asan_interface.h> /* which does nothing where no sanitizer is at work */
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/cache.h"
#include "common/base/pages.h"

/* The first piece, and the largest: each is twice as large as the one before. */
enum { FIRST_PIECE = 64 * 1024, LARGEST_PIECE = PAGES_LARGE };

/* A line of the cache by itself; objects follow. */
struct pool_piece {
    _Alignas(CACHE_LINE) struct pool_piece *next;
};

/* What stands in memory that was put back. */
struct pool_gap {
    struct pool_gap *next;
};

/* Objects of a line or more begin where a line does, so that they lie in as few as they can. */
static size_t rounded(size_t size)
{
    size_t alignment = size < CACHE_LINE ? _Alignof(max_align_t) : CACHE_LINE;
    return (size + alignment - 1) / alignment * alignment;
}

static bool add_piece(struct pool *pool)
{
    const size_t least = sizeof(struct pool_piece) + pool->size;
    size_t size = pool->piece ? pool->piece : FIRST_PIECE;
    size = size < least ? least : size;
    struct pool_piece *piece = pages_take(size);
    if (!piece)
        return false;
    piece->next = pool->pieces;
    pool->pieces = piece;
    pool->piece = size < LARGEST_PIECE ? 2 * size : size;
    pool->uncut = (uint8_t *)(piece + 1);
    pool->left = (size - sizeof *piece) / pool->size;
    ASAN_POISON_MEMORY_REGION(pool->uncut, pool->left * pool->size);
    return true;
}

static void *cut(struct pool *pool)
{
    void *object = pool->uncut;
    pool->uncut += pool->size;
    pool->left--;
    return object;
}

void *pool_take(struct pool *pool, size_t size)
{
    pool->size = rounded(size);
    if (!pool->gaps && !pool->left && !add_piece(pool))
        return NULL;
    void *object = pool->gaps ? pool->gaps : cut(pool);
    ASAN_UNPOISON_MEMORY_REGION(object, size);
    if (object == pool->gaps)
        pool->gaps = pool->gaps->next;
    return object;
}

void pool_put(struct pool *pool, void *object)
{
    struct pool_gap *gap = object;
    if (!gap)
        return;
    gap->next = pool->gaps;
    pool->gaps = gap;
    ASAN_POISON_MEMORY_REGION(gap, pool->size);
}

void pool_free(struct pool *pool)
{
    for (struct pool_piece *piece = pool->pieces, *next; piece; piece = next) {
        next = piece->next;
        free(piece);
    }
    *pool = (struct pool){0};
}
