#include "common/base/pool.h"

#include <sanitizer/asan_interface.h> /* which does nothing where no sanitizer is at work */
#include <stdbool.h>
#include <stdlib.h>

enum { PIECE = 64 * 1024, ALIGNMENT = _Alignof(max_align_t) };

struct pool_piece {
    _Alignas(max_align_t) struct pool_piece *next;
};

/* What stands in memory that was put back. */
struct pool_gap {
    struct pool_gap *next;
};

static bool add_piece(struct pool *pool)
{
    size_t objects = pool->size < PIECE ? PIECE / pool->size : 1;
    struct pool_piece *piece = malloc(sizeof *piece + objects * pool->size);
    if (!piece)
        return false;
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
    pool->size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
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
