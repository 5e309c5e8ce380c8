/*
 * How memory is laid out that one process shares with others on the same machine.
 *
 * A region is lent over one link: this head, then, from a page's beginning, `slots` pieces of
 * `slot_size` bytes. The lender (lending.h) makes it and puts messages into slots; the borrower
 * (borrowing.h) reads these in place and gives them back.
 *
 * A stock is one reader's (stock.h): pieces of ORIGINAL_PIECE bytes (common/wire/original.h), which
 * the reader puts packets into, and all others read (sharing.h); behind them its head.
 */
#ifndef TAPLINE_COMMON_REGION_H
#define TAPLINE_COMMON_REGION_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/original.h"

/** Counts up when anything here means something else. */
enum { REGION_LAYOUT = 3, REGION_PAGE = 4096 };

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

struct stock_head {
    uint64_t id;                            /* chosen at random: one stock is no other */
    _Atomic uint32_t uses[ORIGINAL_PIECES]; /* of each piece; 0: it is free */
};

enum {
    STOCK_PIECES = ORIGINAL_PIECES * ORIGINAL_PIECE,
    STOCK_SIZE = STOCK_PIECES + REGION_PAGE,
};
_Static_assert(sizeof(struct stock_head) <= REGION_PAGE, "the head has a page");

#endif
