#include "common/net/ip.h"

#include "common/base/big_endian.h"

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    MAX_EXTENSIONS = 16, /* a packet with more is hostile, and counts as what the next one is */
};

/* IPv6 extension headers, by their protocol numbers. */
enum {
    EXTENSION_HOP_BY_HOP = 0,
    EXTENSION_ROUTING = 43,
    EXTENSION_FRAGMENT = 44,
    EXTENSION_AUTHENTICATION = 51,
    EXTENSION_DESTINATION = 60,
    EXTENSION_MOBILITY = 135,
    EXTENSION_HOST_IDENTITY = 139,
    EXTENSION_SHIM6 = 140,
};

/* `length`: of the packet by its header; 0: it does not say. */
static struct extent body_of(struct extent whole, uint32_t header, uint32_t length)
{
    if (length != 0)
        extent_limit(&whole, length);
    return extent_behind(&whole, header);
}

static bool decode_ipv4(struct packet *p, const struct extent *whole)
{
    const uint8_t *bytes = whole->bytes;
    uint32_t header = (bytes[0] & 0x0fu) * 4;
    if (whole->captured < IPV4_HEADER || header < IPV4_HEADER)
        return false;
    uint16_t part = big_endian_16(bytes + 6);
    p->version = 4;
    p->protocol = bytes[9];
    p->source = address_from(bytes + 12, 4);
    p->destination = address_from(bytes + 16, 4);
    p->body = body_of(*whole, header, big_endian_16(bytes + 2));
    p->fragment_offset = (uint16_t)((part & 0x1fff) * 8);
    p->more = part & 0x2000;
    p->fragment = p->fragment_offset > 0 || p->more;
    p->fragment_id = big_endian_16(bytes + 4);
    p->fragment_next = p->protocol;
    return true;
}

static bool decode_ipv6(struct packet *p, const struct extent *whole)
{
    const uint8_t *bytes = whole->bytes;
    if (whole->captured < IPV6_HEADER)
        return false;
    uint32_t length = big_endian_16(bytes + 4);
    p->version = 6;
    p->protocol = bytes[6];
    p->fragment = p->more = false;
    p->fragment_offset = 0;
    p->fragment_id = 0;
    p->fragment_next = 0;
    p->source = address_from(bytes + 8, 16);
    p->destination = address_from(bytes + 24, 16);
    p->body = body_of(*whole, IPV6_HEADER, length ? IPV6_HEADER + length : 0);
    ip_step_extensions(p);
    return true;
}

/* The length of the extension header that the body begins with; 0 where it is none. */
static uint32_t extension_length(uint8_t protocol, const struct extent *body)
{
    switch (protocol) {
    case EXTENSION_HOP_BY_HOP:
    case EXTENSION_ROUTING:
    case EXTENSION_DESTINATION:
    case EXTENSION_MOBILITY:
    case EXTENSION_HOST_IDENTITY:
    case EXTENSION_SHIM6: return (body->bytes[1] + 1u) * 8;
    case EXTENSION_FRAGMENT: return 8;
    case EXTENSION_AUTHENTICATION: return (body->bytes[1] + 2u) * 4; /* RFC 4302, 2.2 */
    default: return 0;
    }
}

static void fragment_set(struct packet *p, const uint8_t *header)
{
    uint16_t part = big_endian_16(header + 2);
    p->fragment_offset = part & 0xfff8;
    p->more = part & 1;
    p->fragment = p->fragment_offset > 0 || p->more;
    p->fragment_id = big_endian_32(header + 4);
    p->fragment_next = header[0];
}

void ip_step_extensions(struct packet *p)
{
    for (int i = 0; i < MAX_EXTENSIONS && p->body.captured >= 8; i++) {
        uint32_t length = extension_length(p->protocol, &p->body);
        if (length == 0 || length > p->body.captured)
            return;
        const uint8_t *header = p->body.bytes;
        bool fragment = p->protocol == EXTENSION_FRAGMENT;
        if (fragment)
            fragment_set(p, header);
        p->protocol = header[0];
        p->body.bytes += length;
        p->body.captured -= length;
        p->body.length -= length;
        if (fragment && p->fragment)
            return;
    }
}

bool ip_decode(struct packet *packet, struct extent whole)
{
    if (whole.captured == 0)
        return false;
    switch (whole.bytes[0] >> 4) {
    case 4: return decode_ipv4(packet, &whole);
    case 6: return decode_ipv6(packet, &whole);
    default: return false;
    }
}
