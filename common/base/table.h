/*
 * A table from 64-bit ids to objects: open addressing with linear probing, grown by doubling,
 * and without tombstones, so that years of flows that come and go leave nothing behind.
 */
#ifndef TAPLINE_COMMON_TABLE_H
#define TAPLINE_COMMON_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t id;
    void *object; /* NULL: the slot is free */
};

/** Zeroed: an empty table that owns nothing. The objects stay their owner's. */
struct table {
    struct table_slot *slots;
    size_t size;    /* 0 or a power of two */
    unsigned shift; /* what a spread id is shifted by to become the number of a line */
    size_t count;
};

/** The object of that id, or NULL. */
void *table_find(const struct table *table, uint64_t id);

/** Has the place where that id would be found fetched into the cache. */
void table_prefetch(const struct table *table, uint64_t id);

/** Adds an object, not NULL, under an id that the table does not hold. 0 or -ENOMEM. */
int table_add(struct table *table, uint64_t id, void *object);

/** Takes the object of that id out and returns it; NULL where there is none. */
void *table_take(struct table *table, uint64_t id);

/** Gives the memory back; `drop`, where it is not NULL, is called with every object. */
void table_free(struct table *table, void (*drop)(void *object));

#endif
