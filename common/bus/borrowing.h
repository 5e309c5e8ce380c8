/*
 * Memory of other processes on this machine that messages for this one lie in (lending.h), each
 * mapped once, when the first such message comes.
 */
#ifndef TAPLINE_COMMON_BORROWING_H
#define TAPLINE_COMMON_BORROWING_H

#include <stdint.h>

#include "common/wire/message.h"
#include "common/wire/unpack.h"

struct borrowing;
struct borrowed;

/** One message that lies there: its bytes are the borrower's until loan_return. */
struct loan {
    struct slice bytes;
    struct borrowed *from; /* NULL: nothing is lent */
    uint32_t slot;
};

/** Nothing yet. NULL: no memory. */
struct borrowing *borrowing_new(void);

/** Finds the message that the body of a LENT message tells of; `head` is that message's own. 0;
 *  the fault in the body, or in what lies where it points; ERR_LOST: its sender is gone; a negated
 *  errno where the memory cannot be reached. */
int borrowing_find(struct borrowing *borrowing, const struct message_head *head,
                   struct unpack *body, struct loan *loan);

/** Gives the slot back; the loan is empty afterwards, and may have been before. */
void loan_return(struct loan *loan);

/** Lets go of memory whose lender has given it up or is gone. No loan may be out. */
void borrowing_sweep(struct borrowing *borrowing);

/** No loan may be out. NULL is accepted; the pointer becomes NULL. */
void borrowing_free(struct borrowing **borrowing);

#endif
