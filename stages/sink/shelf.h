/*
 * Bounded memory for what is kept for a while, and goes in about the order in which it came.
 *
 * It is handed out from large pieces, one behind the other; a piece of which nothing is kept any
 * more is filled anew. So nothing is searched for and nothing joined, as an allocator for
 * everything must, but one thing that stays keeps its whole piece.
 */
#ifndef TAPLINE_SINK_SHELF_H
#define TAPLINE_SINK_SHELF_H

#include <stddef.h>

struct shelf;

/** A shelf that takes so many bytes at most, and those only when they are needed. NULL: no memory.
 */
struct shelf *shelf_new(size_t memory);

/** Frees it, and whatever is kept there; accepts NULL. */
void shelf_free(struct shelf **shelf);

/** Room for so many bytes, aligned for any number. NULL with *error: ERR_LIMIT where there is none
 *  for that, or -ENOMEM. */
void *shelf_take(struct shelf *shelf, size_t size, int *error);

/** Gives back what shelf_take gave. */
void shelf_give_back(struct shelf *shelf, void *room);

#endif
