#include "tests/bench/segments.h"

#include <string.h>

enum { ETHERNET = 14, IPV4 = 20, TCP = 20, UDP = 8, TCP_PROTOCOL = 6, UDP_PROTOCOL = 17 };

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

/* Everything up to the transport's header, of which the ports; returns where it stands. */
static uint8_t *put_headers(uint8_t *out, struct endpoint from, struct endpoint to,
                            uint8_t protocol, uint32_t body)
{
    static const uint8_t macs[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    memset(out, 0, ETHERNET + IPV4 + TCP);
    memcpy(out, macs, sizeof macs);
    uint8_t *ip = out + ETHERNET;
    ip[0] = 0x45;
    put16(ip + 2, IPV4 + body);
    ip[8] = 64;
    ip[9] = protocol;
    put32(ip + 12, from.address);
    put32(ip + 16, to.address);
    put16(ip + IPV4, from.port);
    put16(ip + IPV4 + 2, to.port);
    return ip + IPV4;
}

uint32_t segment_tcp(uint8_t out[SEGMENT_MOST], struct endpoint from, struct endpoint to,
                     uint32_t seq, uint32_t ack, uint8_t flags, const void *payload,
                     uint32_t length)
{
    uint8_t *tcp = put_headers(out, from, to, TCP_PROTOCOL, TCP + length);
    put32(tcp + 4, seq);
    put32(tcp + 8, ack);
    tcp[12] = TCP / 4 << 4;
    tcp[13] = flags;
    put16(tcp + 14, 65535);
    if (length)
        memcpy(tcp + TCP, payload, length);
    return ETHERNET + IPV4 + TCP + length;
}

uint32_t segment_udp(uint8_t out[SEGMENT_MOST], struct endpoint from, struct endpoint to,
                     const void *payload, uint32_t length)
{
    uint8_t *udp = put_headers(out, from, to, UDP_PROTOCOL, UDP + length);
    put16(udp + 4, UDP + length);
    if (length)
        memcpy(udp + UDP, payload, length);
    return ETHERNET + IPV4 + UDP + length;
}
