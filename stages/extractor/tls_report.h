/*
 * What handshake messages give: records, and notes for the connection's own. `time_ns` and `packet`
 * are those of the packet with a message's first byte, `sender` is the direction it came in. Each
 * returns 0, -ENOMEM or the outlet's error.
 */
#ifndef TAPLINE_EXTRACTOR_TLS_REPORT_H
#define TAPLINE_EXTRACTOR_TLS_REPORT_H

#include <stdbool.h>

#include "stages/extractor/client_hello.h"
#include "stages/extractor/conversation.h"
#include "stages/extractor/tls_handshake.h"

/** A ClientHello, read out of that message: its SNI record, and its name as a note; nothing where
 *  it names no server. */
int tls_report_hello(struct conversation *c, const struct client_hello *hello,
                     const struct tls_message *m, int sender, bool over_quic);

/**
 * The body of a Certificate message up to TLS 1.2 (RFC 5246, section 7.4.2): the CERT record of its
 * leaf with the chain, and the leaf's first domain as a note. A message without a certificate
 * gives none; a list that breaks off gives what stands before. Certificates beyond the limit
 * `chain` are left out.
 */
int tls_report_certificates(struct conversation *c, const struct tls_message *m, int sender);

/** The rest of an SSL 2 SERVER-HELLO, from its version on (draft-hickman-netscape-ssl-00): the same
 *  of the one certificate in it. */
int tls_report_ssl2_server(struct conversation *c, const struct tls_message *m, int sender);

#endif
