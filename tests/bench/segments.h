/*
 * Frames made from nothing: Ethernet, IPv4, and TCP or UDP around a payload. Checksums are left 0,
 * as offloading network cards leave them.
 */
#ifndef TAPLINE_BENCH_SEGMENTS_H
#define TAPLINE_BENCH_SEGMENTS_H

#include <stdint.h>

enum { SEGMENT_MOST = 1514, SEGMENT_PAYLOAD = 1448 };
enum { FLAG_FIN = 1, FLAG_SYN = 2, FLAG_ACK = 16 };

struct endpoint {
    uint32_t address; /* IPv4 */
    uint16_t port;
};

/** Writes a TCP segment's frame; returns its length. At most SEGMENT_PAYLOAD bytes of payload. */
uint32_t segment_tcp(uint8_t out[SEGMENT_MOST], struct endpoint from, struct endpoint to,
                     uint32_t seq, uint32_t ack, uint8_t flags, const void *payload,
                     uint32_t length);

/** The same for a UDP datagram. */
uint32_t segment_udp(uint8_t out[SEGMENT_MOST], struct endpoint from, struct endpoint to,
                     const void *payload, uint32_t length);

#endif
