/*
 * From when on records may still come: nothing that is still under way belongs before the horizon.
 * It is one thing for what is placed by the time of its flow's first packet, and another for what
 * is placed by its own packet's, as flows may be open for long.
 *
 * Closes and marks (<tapline/wire.h>) come different ways, so that either may be late. A period of
 * a tracker's work is over when as many closes have come as its mark counts, and the mark has come
 * by all branches of its way. The horizon stands where the marks say of the last period up to which
 * all are over; of several trackers, where it is earliest. It only counts: nobody waits for it.
 */
#ifndef TAPLINE_SINK_HORIZON_H
#define TAPLINE_SINK_HORIZON_H

#include <stdint.h>

#include "common/wire/mark.h"
#include "stages/sink/fault.h"

struct horizon;

/** For a capture that so many trackers share; NULL: no memory. */
struct horizon *horizon_new(uint32_t trackers);

/** NULLs the caller's pointer, and accepts NULL in it. */
void horizon_free(struct horizon **horizon);

/** A flow's CLOSE came, and all its records did before. 0; ERR_MALFORMED: there is no such tracker
 *  or period; ERR_LOST: it contradicts what came before (see horizon_fault); -ENOMEM. */
int horizon_close(struct horizon *horizon, uint64_t flow, uint64_t period);

/** A mark came, from its tracker or a stage that it passed. Returns as above. */
int horizon_mark(struct horizon *horizon, const struct mark *mark);

/** What contradicted what; NULL: nothing did. */
const struct fault *horizon_fault(const struct horizon *horizon);

/** What no record that is still to come is earlier than; INT64_MIN: nothing is known yet. Neither
 *  goes back. */
struct horizon_times {
    int64_t flows_ns;   /* of those that are placed by their flow's first packet, */
    int64_t packets_ns; /* and of those that are placed by their own */
};
struct horizon_times horizon_times(const struct horizon *horizon);

#endif
