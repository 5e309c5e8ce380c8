#include "common/net/decode.h"

#include "common/base/big_endian.h"
#include "common/base/cursor.h"
#include "common/net/ip.h"
#include "common/net/link.h"

enum {
    IP_TCP = 6,
    IP_UDP = 17,
    IP_ICMP = 1,
    IP_ICMPV6 = 58,
    TCP_LEAST_CAPTURED = 16, /* up to the window: enough to follow a connection by */
    TCP_HEADER = 20,
    UDP_HEADER = 8,
};

/* Of at least TCP_LEAST_CAPTURED bytes. A data offset that points into the header itself, or beyond
 * what IP carries, leaves no way to say what the payload is. */
static void decode_tcp(struct packet *p)
{
    const uint8_t *bytes = p->body.bytes;
    p->source_port = big_endian_16(bytes);
    p->destination_port = big_endian_16(bytes + 2);
    p->seq = big_endian_32(bytes + 4);
    p->ack = big_endian_32(bytes + 8);
    p->header_bytes = (uint8_t)((bytes[12] >> 4) * 4);
    p->tcp_flags = bytes[13];
    p->window = big_endian_16(bytes + 14);
    bool fits = p->header_bytes >= TCP_HEADER && p->header_bytes <= p->body.length;
    if (fits)
        p->payload = extent_behind(&p->body, p->header_bytes);
    p->sound = fits && !p->fragment;
}

/* Of at least UDP_HEADER bytes. UDP's own length rules where it is shorter than IP's; 0 stands for
 * a datagram too long for the field (RFC 2675), and in the first fragment it tells of the whole
 * datagram. */
static void decode_udp(struct packet *p)
{
    const uint8_t *bytes = p->body.bytes;
    p->source_port = big_endian_16(bytes);
    p->destination_port = big_endian_16(bytes + 2);
    uint32_t length = big_endian_16(bytes + 4);
    if (length != 0 && length < UDP_HEADER)
        return;
    p->payload = extent_behind(&p->body, UDP_HEADER);
    if (length != 0)
        extent_limit(&p->payload, length - UDP_HEADER);
    p->sound = !p->fragment;
}

static enum packet_kind kind_of(uint8_t version, uint8_t protocol)
{
    if (protocol == IP_TCP)
        return PACKET_TCP;
    if (protocol == IP_UDP)
        return PACKET_UDP;
    if (protocol == (version == 4 ? IP_ICMP : IP_ICMPV6))
        return PACKET_ICMP;
    return PACKET_OTHER;
}

/* Sets everything behind the body. */
static inline void decode_transport(struct packet *p)
{
    p->kind = kind_of(p->version, p->protocol);
    p->sound = false;
    p->source_port = p->destination_port = 0;
    p->seq = p->ack = 0;
    p->window = 0;
    p->tcp_flags = p->header_bytes = 0;
    p->payload = (struct extent){0};
    if (p->fragment && p->fragment_offset > 0) {
        p->payload = p->body;
        return;
    }
    if (p->kind == PACKET_TCP && p->body.captured >= TCP_LEAST_CAPTURED)
        decode_tcp(p);
    else if (p->kind == PACKET_UDP && p->body.captured >= UDP_HEADER)
        decode_udp(p);
    else if (!p->fragment && (p->kind == PACKET_TCP || p->kind == PACKET_UDP))
        p->kind = PACKET_OTHER;
}

void packet_decode(struct packet *packet, uint32_t link, const uint8_t *bytes, uint32_t captured,
                   uint32_t wire_length)
{
    struct cursor c = cursor_over(bytes, captured);
    uint32_t longest;
    bool ip = link_step(link, &c, &longest);
    if (ip) {
        uint32_t there = (uint32_t)cursor_left(&c);
        struct extent whole = {.bytes = c.at, .captured = there, .length = there};
        if (wire_length > captured)
            whole.length += wire_length - captured;
        extent_limit(&whole, longest);
        ip = ip_decode(packet, whole);
    }
    if (ip)
        decode_transport(packet);
    else
        *packet = (struct packet){.kind = PACKET_NOIP};
}

void packet_restore(struct packet *packet, struct extent body, uint8_t next)
{
    packet->fragment = packet->more = false;
    packet->fragment_offset = 0;
    packet->body = body;
    packet->protocol = next;
    if (packet->version == 6)
        ip_step_extensions(packet);
    decode_transport(packet);
}
