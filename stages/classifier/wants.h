/*
 * What is wanted next of a flow's directions: by the classifier itself and by the extractor
 * behind it, merged into what the tracker is told (DESIGN.md, idea 2; <tapline/wire.h>).
 */
#ifndef TAPLINE_CLASSIFIER_WANTS_H
#define TAPLINE_CLASSIFIER_WANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/event.h"

struct want {
    enum tapline_want want;
    uint64_t offset;
};

/** Zeroed: a direction of which everything is wanted. */
struct wants {
    uint64_t behind_offset, told_offset;
    uint64_t turned; /* 1 more than where the last turn began; 0: none was seen */
    uint8_t behind;  /* enum tapline_want: the extractor's, */
    uint8_t told;    /* and what the tracker was told last */
};

/** A turn of this direction began at this offset: whoever waited for it wants everything again. */
void wants_turn(struct wants *w, uint64_t offset);

/** The extractor wants this; a TURN that has begun meanwhile is stale and ignored. */
void wants_behind(struct wants *w, const struct want *want);

/** Does the extractor want anything of so many bytes (or of one datagram) from an offset on? Only
 *  what it has declined is left out, so nothing changes by it. */
bool wants_admit(const struct wants *w, uint64_t offset, uint64_t length);

/**
 * Merges the two: the more permissive one counts; the extractor's only where it is `served` with
 * this direction. `own` is the classifier's, `next` where the direction's next byte or datagram
 * is. True, with *tell filled, where the tracker does not know yet that it may leave something out.
 */
bool wants_tell(struct wants *w, const struct want *own, bool served, uint64_t next,
                struct want *tell);

#endif
