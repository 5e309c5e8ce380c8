/*
 * Memory for objects of one size that come and go by the thousand: cut from large pieces, and used
 * again without the heap, whose own notes lie between objects that nobody has touched for long. All
 * of it is given back at once; until then it is as much as the most objects took at one time.
 * Objects that keep memory of their own for their next use wait in spares (spares.h) instead.
 */
#ifndef TAPLINE_COMMON_POOL_H
#define TAPLINE_COMMON_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool_piece;
struct pool_gap;

/** Zeroed: an empty pool. */
struct pool {
    size_t size;               /* of an object, rounded up */
    struct pool_piece *pieces; /* the one that is being cut comes first, */
    uint8_t *uncut;            /* from here on, */
    size_t left;               /* and so many objects are left in it */
    struct pool_gap *gaps;     /* what was put back last comes first */
};

/** Memory for an object, as malloc would give it, at the beginning of a line of the cache where it
 *  takes one or more; NULL: there is none. `size` is that of every object of this pool. */
void *pool_take(struct pool *pool, size_t size);

/** Puts an object's memory back; accepts NULL. */
void pool_put(struct pool *pool, void *object);

/** Gives all memory back, that of objects which were not put back as well. */
void pool_free(struct pool *pool);

#endif
