/*
 * What the stages behind want next of one direction of a flow: their demand, as it stands.
 *
 * Demand may be lost or come late, and never changes a result: a stage ignores what it declined
 * even when it comes. So to send more than is wanted is always safe, and what is in doubt is sent.
 */
#ifndef TAPLINE_TRACKER_WANT_H
#define TAPLINE_TRACKER_WANT_H

#include <stdbool.h>
#include <stdint.h>
#include <tapline/wire.h>

#include "common/wire/event.h"

/** Zeroed: everything is wanted, and no turn has begun. */
struct want {
    uint64_t offset; /* of FROM and TURN; never falls */
    uint64_t turn;   /* where the latest turn of this direction began */
    uint8_t state;   /* enum tapline_want */
    bool turned;     /* one has begun */
};

/** Takes what a stage says. */
void want_tell(struct want *want, const struct demand *demand);

/** A turn of this direction begins at `offset`. */
void want_turn(struct want *want, uint64_t offset);

/** Whether any of the bytes before `end` that are now handed on is wanted. */
bool want_takes(const struct want *want, uint64_t end);

/** Whether any of the bytes before `end`, which wait for others before them, may be wanted once
 *  their turn comes. */
bool want_may_take(const struct want *want, uint64_t end);

#endif
