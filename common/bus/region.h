/*
 * How memory is laid out that one process lends to another on the same machine: this head, then,
 * from a page's beginning, `slots` pieces of `slot_size` bytes. The lender (lending.h) makes it and
 * puts messages into slots; the borrower (borrowing.h) reads these in place and gives them back.
 */
#ifndef TAPLINE_COMMON_REGION_H
#define TAPLINE_COMMON_REGION_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/** Counts up when anything here means something else. */
enum { REGION_LAYOUT = 1, REGION_PAGE = 4096 };

struct region {
    uint64_t sender; /* the lender's id on the bus */
    uint64_t link;   /* and the number of the link whose messages these are */
    uint64_t slot_size;
    uint32_t slots;
    sem_t room;             /* how many more messages may be with the borrower */
    _Atomic uint8_t lent[]; /* by slot: 1 from when it is handed over until it is given back */
};

/** Rounds up to whole pages. */
static inline size_t region_pages(size_t bytes)
{
    return (bytes + REGION_PAGE - 1) / REGION_PAGE * REGION_PAGE;
}

/** Where the first slot begins, and all of them end. `slot_size` is one of whole pages. */
static inline size_t region_first(uint32_t slots)
{
    return region_pages(sizeof(struct region) + slots);
}

static inline size_t region_size(uint32_t slots, size_t slot_size)
{
    return region_first(slots) + slots * slot_size;
}

#endif
