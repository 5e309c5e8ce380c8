/*
 * Segments of one direction that are held back because somebody is undecided about them: their
 * bytes in one run, the segments as they came, and the starts at which something is looked for.
 * Without anybody undecided it holds nothing and no memory.
 */
#ifndef TAPLINE_CLASSIFIER_HOLDING_H
#define TAPLINE_CLASSIFIER_HOLDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/spares.h"
#include "common/recognise/start_line.h"
#include "common/wire/event.h"
#include "stages/classifier/findings.h"

/** The first byte of a segment, and what is undecided of the bytes from there on. */
struct start {
    place at;
    uint64_t offset;        /* in the stream */
    uint64_t signatures;    /* a bit for each, by its index in the profile, */
    size_t needs;           /* of which fewer bytes than these can say no more */
    uint32_t protocols;     /* enum tapline_hint */
    struct start_line line; /* how far HTTP's was looked at */
};

/** A segment as it came; its bytes are in the run. */
struct held {
    place at;
    struct event_data data;
};

/** NULL holds nothing, and most directions never do. */
struct holding;

/** Is something undecided of it? */
static inline bool start_undecided(const struct start *start)
{
    return start->signatures || start->protocols;
}

/** How many starts there are, and the one of that index (valid until something is added). */
size_t holding_starts(const struct holding *h);
struct start *holding_start(const struct holding *h, size_t index);

/** Adds a segment, which follows what is held. Where nothing was, what holds it is one of the
 *  spares, and goes back there in the end: they are borrowed and outlive it. 0; ERR_MALFORMED: it
 *  does not follow; or -ENOMEM. */
int holding_add(struct holding **h, struct spares *spares, place at, const struct event_data *data);

/** Adds a start. 0 or -ENOMEM. */
int holding_add_start(struct holding *h, const struct start *start);

/** The bytes from a start on that are held. */
struct slice holding_bytes(const struct holding *h, const struct start *start);

/** How many segments are held; the one of that index, its bytes borrowed from the run. */
size_t holding_segments(const struct holding *h);
struct held holding_segment(const struct holding *h, size_t index);

/** Lets go of the starts that are decided, and of the segments before the first that is not. */
void holding_settle(struct holding **h);

/** And the segments in it. NULLs the caller's pointer, and accepts NULL in it. */
void holding_free(struct holding **h);

#endif
