/*
 * The certificates of a capture, each kept once as a file named by the SHA-256 of its DER bytes.
 */
#ifndef TAPLINE_SINK_CERTS_H
#define TAPLINE_SINK_CERTS_H

#include <stdint.h>

#include "common/wire/unpack.h"

struct certs;

/** Keeps them in that directory (its descriptor is borrowed). NULL: no memory. */
struct certs *certs_new(int directory);

/** What it kept stays. NULLs the caller's pointer, and accepts NULL in it. */
void certs_free(struct certs **certs);

/** Writes the certificate, unless it is there already; 0 or a negated errno. */
int certs_keep(struct certs *certs, struct slice der);

/** How many different ones there are. */
uint64_t certs_count(const struct certs *certs);

#endif
