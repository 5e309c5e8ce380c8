/*
 * The first bytes of a TLS connection: a record that carries a ClientHello or ServerHello
 * (RFC 8446, sections 4 and 5; RFC 5246), or an SSLv2 ClientHello (RFC 5246, appendix E.2).
 */
#ifndef TAPLINE_COMMON_TLS_HELLO_H
#define TAPLINE_COMMON_TLS_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "common/recognise/verdict.h"

/** Whether a stream that begins with these bytes is such a connection (verdict.h). */
enum verdict tls_hello_recognise(const uint8_t *bytes, size_t length);

#endif
