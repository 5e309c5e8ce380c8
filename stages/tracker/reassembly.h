/*
 * One direction of a TCP connection, put into order.
 *
 * Segments come lost, late, repeated, overlapping and cut by the snap length; what leaves here is
 * one run of offsets without overlap, each byte either there or declared lost. The first copy of
 * a byte stays, and so does its cut. What is missing in front of something that came is a hole; it
 * becomes a gap once
 *
 *   - the receiver has acknowledged past it, and 64 later packets of the flow, or 1 s, have come
 *     without it (captures do show an acknowledgment before the data that it acknowledges); or
 *   - what came behind it reaches the limit, counted in sequence numbers; or
 *   - the flow ends.
 *
 * Sequence numbers are RFC 9293's; offsets are 64 bits wide and do not wrap. Ranges that nobody
 * wants are followed like others, without their bytes, so that demand never changes a result.
 */
#ifndef TAPLINE_TRACKER_REASSEMBLY_H
#define TAPLINE_TRACKER_REASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/packet.h"
#include "common/wire/event.h"

struct flow;
struct handoff;
struct reorder;

/** Zeroed: a stream of which nothing is known yet. */
struct stream {
    struct reorder *reorder; /* what waits behind a hole; NULL: nothing does */
    uint64_t next;           /* offset of the next byte in order */
    uint64_t acked;          /* the receiver acknowledged everything before this offset */
    uint64_t fin;            /* offset of its FIN, where one was seen */
    uint32_t turn;           /* number of the turn that the bytes before `next` belong to */
    uint32_t base;           /* sequence number of offset 0, */
    bool based;              /* where that is known */
    bool finished;           /* its FIN was seen */
};

/** Bytes of one packet, laid at a sequence number. */
struct segment {
    uint32_t seq; /* of the first payload byte */
    struct extent payload;
    int64_t time_ns;
    uint64_t packet;
};

/** Begins the stream at a sequence number, where it has not begun: behind its SYN, or at the first
 *  byte seen. */
void stream_begin(struct stream *stream, uint32_t seq);

/** Takes the payload of a segment of `direction` and hands on what is in order now.
 *  0, -ENOMEM, or the outlet's error. */
int stream_segment(struct handoff *handoff, struct flow *flow, int direction,
                   const struct segment *segment);

/** Takes the FIN that stands at a sequence number. 0 or -ENOMEM. */
int stream_fin(struct handoff *handoff, struct flow *flow, int direction, uint32_t seq);

/** Takes an acknowledgment of the stream by its receiver. */
void stream_acknowledge(struct stream *stream, uint32_t ack);

/** After each packet of the flow, at its time: declares lost what was waited for long enough.
 *  0 or the outlet's error. */
int stream_await(struct handoff *handoff, struct flow *flow, int direction, int64_t now_ns);

/** The earliest time of a packet of which bytes wait behind a hole, and of which something may still
 *  be wanted; INT64_MAX: there is none. Of a flow that has been silent for a minute by the capture's
 *  clock those do not count that wait behind a hole which was acknowledged: they wait for its end. */
int64_t stream_oldest(const struct handoff *handoff, int64_t clock_ns);

/** The flow ended: declares every hole lost and hands on what is behind them.
 *  0 or the outlet's error. */
int stream_end(struct handoff *handoff, struct flow *flow, int direction);

/** Gives back what waits. */
void stream_clear(struct stream *stream);

/** Whether the stream came to its FIN, gaps or not. */
static inline bool stream_ended(const struct stream *stream)
{
    return stream->finished && stream->next == stream->fin;
}

#endif
