/*
 * What a tracker counts besides the totals: above all what its limits cost.
 */
#ifndef TAPLINE_TRACKER_COUNTERS_H
#define TAPLINE_TRACKER_COUNTERS_H

#include <stdint.h>

#include "common/base/buffer.h"

/** X(name): one counter each, named in the tally as here. */
#define TRACKER_COUNTERS(X)                                                                        \
    X(headers_malformed)        /* TCP and UDP headers that no flow can follow */                  \
    X(fragments_malformed)      /* fragments that fit no datagram */                               \
    X(datagrams_restored)       /* put together from fragments */                                  \
    X(datagrams_incomplete)     /* fragments never came together */                                \
    X(datagrams_over_limit)     /* fragments reached the limit */                                  \
    X(segments_out_of_window)   /* segments too far from their stream to be part of it */          \
    X(segments_out_of_order)    /* segments that waited behind a hole */                           \
    X(gaps_acknowledged)        /* holes given up: the receiver had the bytes */                   \
    X(gaps_at_limit)            /* holes given up: too much waited behind them */                  \
    X(gaps_at_end)              /* holes given up: the flow ended */                               \
    X(bytes_lost)               /* stream bytes in these */                                        \
    X(bytes_cut)                /* stream bytes that the snap length cut off */                    \
    X(events_declined)          /* not sent, as nobody wanted them */                              \
    X(flows_idle)               /* flows let go by the capture's clock */                          \
    X(most_flows)               /* flows open at one time */

struct counters {
#define COUNTER_FIELD(name) uint64_t name;
    TRACKER_COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

/** Appends them as one msgpack map. */
void counters_pack(struct buffer *to, const struct counters *counters);

#endif
