/*
 * The rules of TCP connections: where one begins and ends, who began it, what its segments count,
 * and how long its handshake took (RFC 9293).
 */
#ifndef TAPLINE_TRACKER_TCP_H
#define TAPLINE_TRACKER_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/packet.h"
#include "common/wire/capture.h"
#include "common/wire/frame.h"
#include "stages/tracker/flow.h"
#include "stages/tracker/handoff.h"

/** Whether the sender of a connection's first packet is its initiator: not of a SYN+ACK. */
bool tcp_initiates(const struct packet *packet);

/** Whether the packet's SYN starts another connection than `flow`, on the same endpoints: one whose
 *  sequence number is not its sender's initial one here. */
bool tcp_starts_anew(const struct flow *flow, int direction, const struct packet *packet);

/** Takes a segment of the flow. 0, -ENOMEM, or the outlet's error. */
int tcp_segment(struct handoff *handoff, struct flow *flow, int direction,
                const struct packet *packet, const struct frame *frame);

/** For how long the flow, as it stands, may be silent; 0: without a limit. */
int64_t tcp_idle_limit(const struct flow *flow, const struct limits *limits);

/** The flow ended: hands on what waits, and completes its figures. 0 or the outlet's error. */
int tcp_end(struct handoff *handoff, struct flow *flow);

#endif
