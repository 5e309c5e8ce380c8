/*
 * Objects of one kind that wait for their next use, with the memory that they hold. What comes and
 * goes with every flow would else be taken from the heap piece by piece, and given back. Objects that
 * hold no such memory are better off in a pool (pool.h).
 */
#ifndef TAPLINE_COMMON_SPARES_H
#define TAPLINE_COMMON_SPARES_H

#include <stddef.h>

/** As many as are kept of one kind. */
enum { SPARES_MOST = 64 };

/** Zeroed: there are none. */
struct spares {
    void *object[SPARES_MOST];
    size_t count;
    void (*drop)(void *object);
};

/** Takes out the one that was put in last, whose memory is the most likely to be in the cache, for
 *  the caller to own; NULL: there is none. */
void *spares_take(struct spares *spares);

/** Puts an object in, which is owned from now on. `drop` gives all of its memory back, at once if
 *  there are enough already; it is the same for every object of one kind. */
void spares_put(struct spares *spares, void *object, void (*drop)(void *object));

/** Drops all of them. */
void spares_free(struct spares *spares);

#endif
