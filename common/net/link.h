/*
 * Link layers: where in a captured frame its IP packet begins.
 *
 * Ethernet (with 802.1Q and QinQ tags, MPLS label stacks of RFC 3032, PPPoE sessions of RFC 2516),
 * Linux cooked captures v1 and v2, raw IP, BSD loopback.
 */
#ifndef TAPLINE_COMMON_NET_LINK_H
#define TAPLINE_COMMON_NET_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cursor.h"

/** Link types, as capture files number them. */
enum link_type {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,     /* how some systems number raw IP */
    LINK_RAW_OPENBSD = 14, /* and others */
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_COOKED = 113,
    LINK_RAW_IPV4 = 228,
    LINK_RAW_IPV6 = 229,
    LINK_COOKED_V2 = 276,
};

/** Whether frames of that link type are read; others are counted, and nothing is known of them. */
bool link_known(uint32_t link);

/** Steps over the frame's link headers. True where an IP packet is said to follow, at which the
 *  cursor then stands, and `*longest` tells how long the link headers let it be (UINT32_MAX: as
 *  long as the frame). False where another protocol follows, or the headers are cut short. */
bool link_step(uint32_t link, struct cursor *frame, uint32_t *longest);

#endif
