/*
 * One captured frame, decoded (decode.h): which protocol it counts under, between whom, and where
 * its payload lies. Everything points into the frame.
 */
#ifndef TAPLINE_COMMON_PACKET_H
#define TAPLINE_COMMON_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/address.h"

/** What a frame counts as. */
enum packet_kind {
    PACKET_NOIP,  /* no IP inside, or too short to tell */
    PACKET_TCP,   /* a fragment goes by its IP protocol; others have at least 16 bytes of header */
    PACKET_UDP,   /* the same, with 8 */
    PACKET_ICMP,  /* ICMP over IPv4, ICMPv6 over IPv6 */
    PACKET_OTHER, /* any other IP packet */
};

enum tcp_flag { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

/** Bytes as the headers promise them, and as far as they were captured. */
struct extent {
    const uint8_t *bytes;
    uint32_t captured; /* of these, from the first on; never more than the length */
    uint32_t length;   /* by the headers */
};

/** Nothing of it lies beyond its first `longest` bytes. */
static inline void extent_limit(struct extent *e, uint32_t longest)
{
    if (e->length > longest)
        e->length = longest;
    if (e->captured > longest)
        e->captured = longest;
}

/** What lies behind its first `header` bytes, which need not have been captured. */
static inline struct extent extent_behind(const struct extent *e, uint32_t header)
{
    uint32_t there = header < e->captured ? header : e->captured;
    return (struct extent){.bytes = e->bytes + there,
                           .captured = e->captured - there,
                           .length = header < e->length ? e->length - header : 0};
}

struct packet {
    enum packet_kind kind;
    uint8_t version;  /* of IP: 4 or 6; 0: none inside, and no addresses */
    uint8_t protocol; /* IP protocol, behind IPv6 extension headers */

    /** The TCP or UDP header is whole enough to be acted on: ports, and for TCP its further fields,
     *  are set, and its lengths agree with IP's. Never set for a fragment. */
    bool sound;

    bool fragment;            /* a part of an IP datagram; an atomic fragment (RFC 6946) is none */
    bool more;                /* another part follows this one */
    uint8_t fragment_next;    /* protocol of what the fragments make */
    uint16_t fragment_offset; /* bytes before this part */
    uint32_t fragment_id;

    struct address source, destination;
    uint16_t source_port, destination_port;

    uint32_t seq, ack;
    uint16_t window;      /* as it stands in the header, not scaled */
    uint8_t tcp_flags;    /* enum tcp_flag, and the others' bits */
    uint8_t header_bytes; /* TCP: by its data offset */

    struct extent body; /* what IP carries: behind the extension headers; of a fragment, its part */
    struct extent payload; /* what TCP or UDP carries */
};

/** A hash of both addresses: the same for both directions, on every machine and in every run; one
 *  value for all packets without addresses. */
uint32_t address_pair_hash(const struct packet *packet);

#endif
