/*
 * X.509 certificates (RFC 5280), read by libcrypto: their fingerprints and domains.
 */
#ifndef TAPLINE_EXTRACTOR_CERTIFICATE_H
#define TAPLINE_EXTRACTOR_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FINGERPRINT_TEXT = 65 };

/** The SHA-256 of a certificate's DER bytes as upper-case hex digits; 0 or -ENOMEM. */
int certificate_fingerprint(const uint8_t *der, size_t length, char out[FINGERPRINT_TEXT]);

/**
 * Is this a domain name, as certificates name servers? At most 253 bytes (a last dot not counted)
 * of labels with 1 to 63 letters, digits, hyphens and underscores each, no hyphen first or last
 * (RFC 1123, section 2.1; underscores, because they are used). The first label may be a `*`
 * with others behind it (RFC 6125, section 6.4.3). The last label is not all digits: that
 * is an address (RFC 3696, section 2).
 */
bool certificate_domain_valid(const uint8_t *name, size_t length);

/** Takes one domain, borrowed; anything but 0 ends the walk. */
typedef int certificate_domain_fn(void *context, const uint8_t *name, size_t length);

/**
 * Hands on the domains that a certificate is for: the valid ones among its subjectAltName's
 * dNSNames, in their order; where it has no subjectAltName, the most specific common name that is
 * a valid domain of two labels or more (a lone word there is a name of something else). 0, what
 * `each` ended with, or ERR_MALFORMED: it is no certificate, or these names cannot be read.
 */
int certificate_domains(const uint8_t *der, size_t length, certificate_domain_fn *each,
                        void *context);

#endif
