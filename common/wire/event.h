/*
 * Flow events: what the stages say about flows, and how that stands on the wire.
 * The field order is written down in <tapline/wire.h>.
 */
#ifndef TAPLINE_COMMON_EVENT_H
#define TAPLINE_COMMON_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <tapline/wire.h>

#include "common/base/buffer.h"
#include "common/net/address.h"
#include "common/wire/original.h"
#include "common/wire/unpack.h"

/** Directions: who sent it. */
enum { FROM_INITIATOR = 0, FROM_RESPONDER = 1, DIRECTIONS = 2 };

/** Transports, by IP protocol number. */
enum { TRANSPORT_TCP = 6, TRANSPORT_UDP = 17 };

/** A flow's id begins with the index of its tracker. */
enum { FLOW_INDEX_SHIFT = 48 };

/** A flow that a stage is told of for the first time. */
struct event_open {
    uint8_t transport;
    struct address address[DIRECTIONS]; /* the initiator's, the responder's */
    uint16_t port[DIRECTIONS];
    int64_t time_ns; /* of the flow's first packet */
    uint32_t hints;  /* enum tapline_hint */
};

/** The new bytes of one captured segment, in stream order; or one datagram. */
struct event_data {
    uint8_t direction;
    uint32_t flags;   /* enum tapline_data_flag */
    uint64_t offset;  /* bytes (TCP) or datagrams (UDP) of this direction before it */
    int64_t time_ns;  /* of the packet that carried it */
    uint64_t packet;  /* that packet's number in the capture, from 1 */
    uint32_t missing; /* bytes cut off behind these by the snap length (UDP; TCP: a gap follows) */
    const uint8_t *bytes; /* borrowed: valid until the handler returns */
    uint32_t length;
};

/** Bytes of a stream that the capture lost. */
struct event_gap {
    uint8_t direction;
    uint64_t offset;
    uint64_t length;
};

/** What the tracker counted of a flow: on the wire an array in this order. */
struct figures {
    uint8_t transport;
    struct address address[DIRECTIONS];
    uint16_t port[DIRECTIONS];
    int64_t start_ns;
    int64_t end_ns;
    uint64_t first_packet; /* number of the flow's first packet */
    uint64_t packets[DIRECTIONS];
    uint64_t bytes[DIRECTIONS]; /* payload by header lengths, retransmissions included */
    uint64_t syn, fin, rst;     /* packets with the flag, both directions */
    bool ended[DIRECTIONS];     /* this side's stream reached its FIN */
    int64_t rtt_ns;             /* larger half of the handshake; 0: not seen */
};

/** What one stage did for one flow. */
struct trail {
    uint8_t role;      /* enum tapline_role */
    uint64_t received; /* DATA and GAP events of this flow that came in */
    uint64_t sent;     /* DATA and GAP events of this flow that were handed on */
    uint64_t records;  /* RECORD events of this flow that this stage sent ahead */
};

enum { MAX_TRAIL = 4 };

/** The end of a flow, with its record so far. */
struct event_close {
    struct figures figures;
    struct trail trail[MAX_TRAIL];
    uint32_t trail_count;
    struct slice notes; /* msgpack, not looked into: maps, one from each stage that learned
                           something */
    uint64_t period;    /* of its tracker's work (common/wire/mark.h) */
};

/** A record that travels ahead of its flow's close. */
struct event_record {
    uint32_t record;   /* enum tapline_record_kind */
    int64_t time_ns;   /* what it is sorted by: its first time field */
    uint64_t packet;   /* the packet with its first byte, and */
    uint32_t order;    /* its place among the records of that packet and kind */
    struct slice map;  /* msgpack, not looked into: one map, keys as in the record, in its order */
};

struct event {
    uint32_t kind; /* enum tapline_event */
    uint64_t flow;
    union {
        struct event_open open;
        struct event_data data;
        struct event_gap gap;
        struct event_close close;
        struct event_record record;
    };
};

/** Appends one event; where places of the message lead to the bytes of a DATA event, one of them
 *  stands for these. NULL: there are none. */
void event_pack(struct buffer *to, const struct event *event, struct places *places);

/** Reads one event in place: slices point into the message, bytes of a DATA event perhaps into the
 *  original. 0, ERR_TRUNCATED or ERR_MALFORMED; after an error nothing of `event` means anything.
 */
int event_unpack(struct unpack *from, struct places *places, struct event *event);

/** What a stage wants next of one direction of a flow (DESIGN.md, idea 2). Ordered by how little
 *  is wanted: FROM, TURN, NOTHING. */
struct demand {
    uint64_t flow;
    uint8_t direction;
    uint32_t want; /* enum tapline_want */
    uint64_t offset;
};

/** Appends one demand. */
void demand_pack(struct buffer *to, const struct demand *demand);

/** Reads one; 0, ERR_TRUNCATED or ERR_MALFORMED. */
int demand_unpack(struct unpack *from, struct demand *demand);

#endif
