/*
 * The protection of a client's Initial packets (RFC 9001, section 5; RFC 9369, section 3.3): its
 * keys come from a connection id that travels in the clear, so that everybody on the path can open
 * them. AES, GCM and HKDF are libcrypto's.
 */
#ifndef TAPLINE_EXTRACTOR_QUIC_CRYPTO_H
#define TAPLINE_EXTRACTOR_QUIC_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "common/recognise/quic_version.h"
#include "stages/extractor/quic_packet.h"

enum { QUIC_KEY = 16, QUIC_IV = 12 };

/** What protects the Initial packets that one client sends. */
struct quic_keys {
    uint8_t key[QUIC_KEY];
    uint8_t iv[QUIC_IV];
    uint8_t hp[QUIC_KEY]; /* of the header protection */
};

/** The keys that belong to a Destination Connection ID; 0, or -ENOMEM where libcrypto fails. */
int quic_keys_derive(struct quic_keys *keys, const struct quic_version *version, const uint8_t *id,
                     size_t id_length);

/**
 * Removes the protection of an Initial packet. `payload` has room for the packet's length; what
 * comes out is its frames. The packet number is taken as it stands: Initial packets count
 * from 0 (RFC 9000, section 12.3), and no client sends so many that it would be cut off.
 * 0, ERR_MALFORMED: these keys do not open it, or -ENOMEM.
 */
int quic_open(const struct quic_keys *keys, const struct quic_packet *packet, uint8_t *payload,
              size_t *length);

#endif
