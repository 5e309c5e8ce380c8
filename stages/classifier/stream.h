/*
 * A TCP connection as the classifier sees it: both directions' segments, looked at in the order
 * in which they come.
 *
 * Every segment of the probed part, and the first of every turn, is a start at which something
 * is looked for; where it needs more bytes than the segment has, it is held until the bytes that
 * follow, a gap or the end decide. What is undecided never depends on anything but the segments.
 */
#ifndef TAPLINE_CLASSIFIER_STREAM_H
#define TAPLINE_CLASSIFIER_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/event.h"
#include "stages/classifier/findings.h"
#include "stages/classifier/holding.h"
#include "stages/classifier/ground.h"

struct side {
    uint64_t segments;       /* with payload, so far */
    uint64_t signatures;     /* looked for in new segments: a bit for each */
    struct holding *holding; /* NULL: nobody is undecided */
    uint64_t replay_from;    /* stream offset, from which on held segments go to the extractor, */
    bool replaying;          /* while this is set */
    bool declined;           /* when the protocol was recognised, until this side's next turn */
    uint32_t replayed;       /* segments of the holding that were stepped over */
};

struct stream {
    struct ground *ground;
    struct findings *findings;
    bool dns_port;
    uint32_t hint;
    place last; /* of the segment that came last */
    struct side side[DIRECTIONS];
};

/** No segment has come yet. `findings` knows the flow; it is borrowed and outlives it. */
void stream_begin(struct stream *s, struct findings *findings);

/** Gives back what is held. */
void stream_free(struct stream *s);

/** Looks at the next segment of a direction. 0; ERR_MALFORMED: it does not follow the one before it
 *  although nobody declined what lies between; or -ENOMEM. */
int stream_data(struct stream *s, place at, const struct event_data *data);

/** Bytes were lost in a direction, or it has ended: what waits there is decided. 0 or -ENOMEM. */
int stream_break(struct stream *s, int direction);

/** TAPLINE_HINT_HTTP, _TLS or _DNS once recognised; 0: nothing for the extractor so far. */
uint32_t stream_hint(const struct stream *s);

/**
 * What was held when the extractor's protocol was recognised, in the order in which it came, but
 * for the segment that came last: true with the next one, borrowed; false when there is no more.
 */
bool stream_take_held(struct stream *s, struct event_data *data);

/** Does an event of a recognised stream go to the extractor? Not before a direction's next turn
 *  begins, where the rest of the one before was declined: even if it comes. `turn`: this event
 *  begins one. */
bool stream_passes(struct stream *s, int direction, bool turn);

/** Is a segment of either direction held that may yet go to the extractor? */
bool stream_holds(const struct stream *s);

/** What the classifier itself wants of a direction from now on. */
enum tapline_want stream_want(const struct stream *s, int direction);

#endif
