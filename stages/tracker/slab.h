/*
 * Objects of one size that come and go, each in a numbered slot in which it stays for its life.
 * Nothing is allocated but to grow, and nothing given back before the end. Unlike those of a pool
 * (common/base/pool.h) they take half a pointer to name, can be gone through one by one, and may be
 * looked at when they are free.
 */
#ifndef TAPLINE_TRACKER_SLAB_H
#define TAPLINE_TRACKER_SLAB_H

#include <stddef.h>
#include <stdint.h>

enum { SLAB_CHUNK_BITS = 10, SLAB_CHUNK = 1 << SLAB_CHUNK_BITS }; /* objects in one piece */

/** With `object_size` set and all else zeros: an empty slab that owns nothing. */
struct slab {
    size_t object_size; /* a multiple of CACHE_LINE, where objects are to begin at one */
    uint8_t **chunks;
    uint32_t chunk_count;
    uint32_t slots;     /* used so far, free ones included */
    uint32_t *released; /* slots that are free: a stack, with room for every slot */
    uint32_t released_count;
};

/** Takes a slot, the one that was released last where there is any, and says in *slot which it is.
 *  What it holds is of no meaning. NULL: no memory. */
void *slab_take(struct slab *slab, uint32_t *slot);

/** Makes a slot free. */
void slab_release(struct slab *slab, uint32_t slot);

/** What is in a slot that was taken once. Asked for every packet, hence in place. */
static inline void *slab_at(const struct slab *slab, uint32_t slot)
{
    return slab->chunks[slot >> SLAB_CHUNK_BITS] + (slot & (SLAB_CHUNK - 1)) * slab->object_size;
}

/** Gives the memory back. */
void slab_free(struct slab *slab);

#endif
