/*
 * UDP conversations: every datagram is handed on, in the order of the capture.
 */
#ifndef TAPLINE_TRACKER_UDP_H
#define TAPLINE_TRACKER_UDP_H

#include "common/net/packet.h"
#include "common/wire/frame.h"
#include "stages/tracker/flow.h"
#include "stages/tracker/handoff.h"

/** Hands on a datagram of the flow, `index` datagrams of its direction came before it; an empty
 *  one, too. 0 or the outlet's error. */
int udp_datagram(struct handoff *handoff, struct flow *flow, int direction, uint64_t index,
                 const struct packet *packet, const struct frame *frame);

#endif
