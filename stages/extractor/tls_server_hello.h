/*
 * The ServerHello (RFC 8446, section 4.1.3; RFC 5246, section 7.4.1.3): which TLS it settles on.
 */
#ifndef TAPLINE_EXTRACTOR_TLS_SERVER_HELLO_H
#define TAPLINE_EXTRACTOR_TLS_SERVER_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Is this body that of a ServerHello behind which its sender encrypts all: TLS 1.3 (RFC 8446, or
 *  a draft), and no HelloRetryRequest? What cannot be read is not. */
bool tls_server_hello_last(const uint8_t *body, size_t length);

#endif
