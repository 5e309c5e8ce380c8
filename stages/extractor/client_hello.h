/*
 * The ClientHello, as TLS over TCP and QUIC both send it (RFC 8446, section 4.1.2; RFC 5246,
 * section 7.4.1.2): the server name in it.
 */
#ifndef TAPLINE_EXTRACTOR_CLIENT_HELLO_H
#define TAPLINE_EXTRACTOR_CLIENT_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "common/wire/unpack.h"

struct client_hello {
    struct slice server_name; /* borrowed; of length 0 where the client named none */
};

/**
 * Reads the body of a ClientHello, which stands behind the four bytes of the handshake header.
 * The server name is the first host_name of the server_name extension (RFC 6066, section 3), byte
 * for byte. 0, or ERR_MALFORMED: what is there is no ClientHello.
 */
int client_hello_parse(const uint8_t *body, size_t length, struct client_hello *hello);

#endif
