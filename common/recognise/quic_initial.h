/*
 * QUIC long-header Initial packets (RFC 8999, RFC 9000 section 17.2.2, RFC 9369; drafts).
 */
#ifndef TAPLINE_COMMON_QUIC_INITIAL_H
#define TAPLINE_COMMON_QUIC_INITIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Does this datagram hold an Initial packet: first, or behind others with long headers? */
bool quic_initial_recognise(const uint8_t *bytes, size_t length);

#endif
