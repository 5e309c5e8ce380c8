#include "common/base/pool.h"

#include <sanitizer/asan_interface.h> /* which does nothing where no sanitizer is at work */
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/cache.h"

enum { PIECE = 64 * 1024 };

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
    size_t objects = pool->size < PIECE ? PIECE / pool->size : 1;
    void *room;
    if (posix_memalign(&room, CACHE_LINE, sizeof(struct pool_piece) + objects * pool->size) != 0)
        return false;
    struct pool_piece *piece = room;
    piece->next = pool->pieces;
    pool->pieces = piece;
    pool->uncut = (uint8_t *)(piece + 1);
    pool->left = objects;
    ASAN_POISON_MEMORY_REGION(pool->uncut, objects * pool->size);
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
