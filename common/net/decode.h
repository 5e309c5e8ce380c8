/*
 * From a captured frame to its packet: IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200),
 * TCP (RFC 9293), UDP (RFC 768). Nothing is allocated. Tunnels are not opened: the outer packet
 * counts.
 */
#ifndef TAPLINE_COMMON_DECODE_H
#define TAPLINE_COMMON_DECODE_H

#include <stdint.h>

#include "common/net/packet.h"

/**
 * Decodes one frame. `link` is a LINKTYPE_ value, `captured` bytes are there of `wire_length`.
 * Every frame gives a packet: what cannot be read is PACKET_NOIP or PACKET_OTHER.
 *
 * Ethernet's padding is no payload: the IP header's length rules, as far as the frame on the wire
 * had room for it. Where it is 0, as the host's own segmentation offload leaves it, the frame's
 * length on the wire rules.
 */
void packet_decode(struct packet *packet, uint32_t link, const uint8_t *bytes, uint32_t captured,
                   uint32_t wire_length);

/** Makes a fragment's packet the one of the whole datagram, whose IP payload is `body` and begins
 *  with a header of protocol `next`. */
void packet_restore(struct packet *packet, struct extent body, uint8_t next);

#endif
