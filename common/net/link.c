#include "common/net/link.h"

#include "common/base/big_endian.h"

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,     /* 802.1Q */
    ETHERTYPE_PROVIDER = 0x88a8, /* 802.1ad */
    ETHERTYPE_QINQ = 0x9100,     /* before 802.1ad */
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_UPSTREAM = 0x8848,
    ETHERTYPE_PPPOE = 0x8864,
    PPP_IPV4 = 0x0021,
    PPP_IPV6 = 0x0057,
};

/* Behind the label that is marked as the bottom of the stack stands what the first nibble says:
 * the labels themselves do not tell (RFC 4928). */
static bool mpls_step(struct cursor *c)
{
    while (!c->bad)
        if (cursor_u32(c) >> 8 & 1)
            return cursor_left(c) > 0 && (c->at[0] >> 4 == 4 || c->at[0] >> 4 == 6);
    return false;
}

/* The session's length is that of the PPP frame, without Ethernet's padding. */
static bool pppoe_step(struct cursor *c, uint32_t *longest)
{
    cursor_skip(c, 4); /* version, code, session */
    uint16_t length = cursor_u16(c), protocol = cursor_u16(c);
    if (length >= sizeof protocol)
        *longest = length - (uint32_t)sizeof protocol;
    return protocol == PPP_IPV4 || protocol == PPP_IPV6;
}

static bool is_ip(uint16_t type)
{
    return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6;
}

/* Every tag takes four bytes, so the frame's end bounds this. */
static bool tags_step(struct cursor *c, uint16_t type, uint32_t *longest)
{
    for (; !is_ip(type); type = cursor_u16(c)) {
        switch (type) {
        case ETHERTYPE_VLAN:
        case ETHERTYPE_PROVIDER:
        case ETHERTYPE_QINQ: cursor_skip(c, 2); break;
        case ETHERTYPE_MPLS:
        case ETHERTYPE_MPLS_UPSTREAM: return mpls_step(c);
        case ETHERTYPE_PPPOE: return pppoe_step(c, longest);
        default: return false;
        }
    }
    return !c->bad;
}

/* Ethernet and cooked v1 end their headers with the EtherType, cooked v2 begins with it. */
static inline bool header_step(struct cursor *c, size_t before, size_t after, uint32_t *longest)
{
    const uint8_t *header = cursor_take(c, before + sizeof(uint16_t) + after);
    uint16_t type = header ? big_endian_16(header + before) : 0;
    return is_ip(type) || (header && tags_step(c, type, longest));
}

/* The address family is a 32-bit number in the byte order of the machine that captured, and
 * IPv6 has another number on every system. */
static bool family_step(struct cursor *c)
{
    uint32_t family = cursor_u32(c);
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    switch (family) {
    case 2:                  /* IPv4, everywhere */
    case 10:                 /* IPv6 on Linux, */
    case 24:                 /* NetBSD and OpenBSD, */
    case 28:                 /* FreeBSD, */
    case 30: return !c->bad; /* macOS */
    default: return false;
    }
}

bool link_known(uint32_t link)
{
    switch (link) {
    case LINK_NULL:
    case LINK_ETHERNET:
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
    case LINK_RAW:
    case LINK_LOOP:
    case LINK_COOKED:
    case LINK_RAW_IPV4:
    case LINK_RAW_IPV6:
    case LINK_COOKED_V2: return true;
    default: return false;
    }
}

bool link_step(uint32_t link, struct cursor *frame, uint32_t *longest)
{
    *longest = UINT32_MAX;
    switch (link) {
    case LINK_ETHERNET: return header_step(frame, 12, 0, longest);
    case LINK_COOKED: return header_step(frame, 14, 0, longest);
    case LINK_COOKED_V2: return header_step(frame, 0, 18, longest);
    case LINK_NULL:
    case LINK_LOOP: return family_step(frame);
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
    case LINK_RAW:
    case LINK_RAW_IPV4:
    case LINK_RAW_IPV6: return true;
    default: return false;
    }
}
