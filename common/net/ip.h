/*
 * The IP layer of decode.h: IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200).
 */
#ifndef TAPLINE_COMMON_IP_H
#define TAPLINE_COMMON_IP_H

#include <stdbool.h>

#include "common/net/packet.h"

/** Reads the IP header at the beginning of `whole` and sets version, addresses, protocol, fragment
 *  fields and body. False, and nothing set, where no whole IP header stands there. */
bool ip_decode(struct packet *packet, struct extent whole);

/** Steps the packet's body over the IPv6 extension headers that it begins with; `protocol` says
 *  what the first one is, and then what follows the last. A header that was not captured whole
 *  ends this, and the packet stays one of that header's protocol. */
void ip_step_extensions(struct packet *packet);

#endif
