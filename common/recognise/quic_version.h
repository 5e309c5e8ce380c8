/*
 * The versions of QUIC whose Initial packets can be opened, and what differs between them. Who
 * recognises a packet asks here, and so does who opens it.
 */
#ifndef TAPLINE_COMMON_QUIC_VERSION_H
#define TAPLINE_COMMON_QUIC_VERSION_H

#include <stdint.h>

enum { QUIC_SALT = 20 };

struct quic_version {
    uint8_t initial; /* the packet type that says Initial, */
    uint8_t retry;   /* and the one that says Retry */
    uint8_t salt[QUIC_SALT];
    const char *key_label, *iv_label, *hp_label;
};

/** Version 1 (RFC 9001, section 5.2), version 2 (RFC 9369, section 3), the drafts 22 to 34, and the
 *  numbers that mvfst gave to its drafts; NULL: none of these. */
const struct quic_version *quic_version_find(uint32_t number);

#endif
