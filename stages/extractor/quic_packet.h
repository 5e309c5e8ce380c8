/*
 * QUIC packets with a long header (RFC 9000, section 17.2), and the CRYPTO frames of an Initial.
 */
#ifndef TAPLINE_EXTRACTOR_QUIC_PACKET_H
#define TAPLINE_EXTRACTOR_QUIC_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cursor.h"
#include "common/recognise/quic_version.h"

enum { QUIC_LONGEST_ID = 20 };

struct quic_packet {
    const struct quic_version *version;
    bool initial;
    const uint8_t *id; /* the Destination Connection ID */
    size_t id_length;
    const uint8_t *source; /* the Source Connection ID */
    size_t source_length;
    const uint8_t *bytes; /* the whole packet, still protected */
    size_t length;
    size_t number_at; /* where its packet number begins */
};

/**
 * Reads the next packet of a datagram, behind which another may stand (RFC 9000, section 12.2),
 * and steps over it. False where none follows that says its own length: a Retry, a packet
 * with a short header, one of a version not known, or what breaks off.
 */
bool quic_packet_next(struct cursor *datagram, struct quic_packet *packet);

/** A run of the handshake's bytes. */
struct quic_crypto_frame {
    uint64_t offset;
    const uint8_t *bytes; /* borrowed from the payload */
    size_t length;
};

/**
 * Reads an Initial packet's payload up to and with its next CRYPTO frame (RFC 9000, section 12.4:
 * PADDING, PING, ACK and CONNECTION_CLOSE may stand between). False: there is none any more, or
 * the rest is no frame that may stand there.
 */
bool quic_crypto_frame_next(struct cursor *payload, struct quic_crypto_frame *frame);

#endif
