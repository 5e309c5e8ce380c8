/*
 * Memory that a link shares with the process it leads to, where both are on one machine. Batches
 * are packed in it and read in it; over the socket goes only where they lie (LENT in
 * <tapline/wire.h>). So the system copies none of their bytes, which cost as much as all that is
 * done with them.
 *
 * Each link has its own memory (realm.h), which is given up with the link: who was taken for lost,
 * and wakes, disturbs nobody.
 */
#ifndef TAPLINE_COMMON_LENDING_H
#define TAPLINE_COMMON_LENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/bus/vitals.h"

struct lending;

/** Who lends: what a borrower checks before it believes a region. */
struct lending_terms {
    uint64_t sender;       /* this process on the bus */
    uint64_t link;         /* the link's number */
    uint32_t waiting;      /* how many messages may be with the borrower */
    size_t slot_size;      /* bytes of the largest message that is lent */
    struct vitals *vitals; /* borrowed: queue_bytes counts what is with the borrower */
};

/** Memory for so many messages, and some that are still being packed. NULL: the system gives
 *  none. */
struct lending *lending_new(const struct lending_terms *terms);

/** Gives an empty buffer a slot's memory; where none is free the buffer stays as it was. It may be
 *  freed, or sent, also after lending_free. */
void lending_fill(struct lending *lending, struct buffer *buffer);

/** Does the buffer still lie in a slot of this memory: has it not outgrown it? */
bool lending_holds(const struct lending *lending, const struct buffer *buffer);

/** The buffer, from `start` on, is the borrower's: appends to `note` the body of the message that
 *  tells it so. The buffer is empty afterwards. */
void lending_hand_over(struct lending *lending, struct buffer *buffer, size_t start,
                       struct buffer *note);

/** Waits up to `wait_ms` (-1: for ever) until one more message may be with the borrower, which it
 *  then counts as; false: not yet. */
bool lending_wait(struct lending *lending, int wait_ms);

/** Counts what has come back since (queue_bytes), and gives the system its memory back where
 *  nothing was under way since the last time. To be called now and then. */
void lending_settle(struct lending *lending);

/** Waits up to `linger_ms` until everything has come back, then gives the memory up. */
void lending_free(struct lending **lending, int linger_ms);

#endif
