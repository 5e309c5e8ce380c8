/*
 * One flow: the packets of two endpoints in both directions, and what is known of them.
 */
#ifndef TAPLINE_TRACKER_FLOW_H
#define TAPLINE_TRACKER_FLOW_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/cache.h"
#include "common/bus/outlet.h"
#include "common/wire/event.h"
#include "stages/tracker/reassembly.h"
#include "stages/tracker/want.h"

/** How an initial sequence number came to be known. */
enum known {
    KNOWN_NOT,
    KNOWN_BY_PEER, /* from the other side's first acknowledgment */
    KNOWN_BY_SELF, /* from its sender's first segment */
};

/** One sender of a TCP connection. */
struct tcp_side {
    struct stream stream;
    uint32_t initial; /* its initial sequence number */
    uint8_t known;    /* enum known: whether that is known, and how */
    bool fin;         /* a FIN came from it */
};

/** How far the handshake got, for the round trip time. */
enum handshake { HANDSHAKE_NONE, HANDSHAKE_ASKED, HANDSHAKE_ANSWERED, HANDSHAKE_DONE };

/** In the order of how often it is needed: what finds it, and ends it, stands in one line. One of
 *  TCP is the beginning of a struct tcp_flow. */
struct flow {
    alignas(CACHE_LINE) uint64_t id;
    int64_t expires; /* the capture's clock, once later than this, has left it behind */
    uint32_t slot;   /* its place in the flow table */
    uint32_t hash;   /* of its endpoints */
    struct figures figures;

    outlet_route route; /* the classifier that it goes to */
    bool opened;        /* it was opened there */
    uint8_t speaker;    /* direction of the latest new payload; DIRECTIONS: none came yet */
    uint8_t handshake;  /* enum handshake */
    uint32_t turns;     /* how often the sides took turns so far */
    uint32_t stretch;   /* of the capture, that it was opened in (periods.h) */
    uint64_t sent;      /* DATA and GAP events handed on */
    int64_t idle_limit; /* for how long it may be silent; INT64_MAX: as long as it likes */
    int64_t due;        /* no later than `expires`: what the table knows of that (flow_table.h) */
    struct want want[DIRECTIONS];
};
_Static_assert(sizeof(struct flow) == 4 * CACHE_LINE, "there are often very many of UDP");

/** What only a flow of TCP has. */
struct tcp_flow {
    struct flow flow;
    struct tcp_side side[DIRECTIONS];
    uint32_t unanswered_seq; /* of the SYN, then of the SYN+ACK, */
    int64_t unanswered_ns;   /* and when it was last sent */
};

/** All of a flow that is of TCP. */
static inline struct tcp_flow *flow_tcp(struct flow *flow)
{
    return (struct tcp_flow *)flow;
}

/** Its sides, where they are only to be read. */
static inline const struct tcp_side *flow_sides(const struct flow *flow)
{
    return ((const struct tcp_flow *)flow)->side;
}

/** Notes that new payload of a direction came. The number of the turn that it belongs to: turns
 *  are counted as the capture saw the two sides alternate, not as holes let their bytes be handed
 *  on, so that what an answer's loss held up does not run into one. */
static inline uint32_t flow_speaks(struct flow *flow, int direction)
{
    if (flow->speaker != direction) {
        flow->speaker = (uint8_t)direction;
        flow->turns++;
    }
    return flow->turns;
}

/** Packets of both directions. */
static inline uint64_t flow_packets(const struct flow *flow)
{
    return flow->figures.packets[FROM_INITIATOR] + flow->figures.packets[FROM_RESPONDER];
}

#endif
