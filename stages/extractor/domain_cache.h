/*
 * The domains of certificates that were read lately: servers send the same few again and again,
 * and to have libcrypto read one takes a hundred times as long as to know it by its fingerprint.
 */
#ifndef TAPLINE_EXTRACTOR_DOMAIN_CACHE_H
#define TAPLINE_EXTRACTOR_DOMAIN_CACHE_H

#include "common/base/buffer.h"
#include "common/wire/unpack.h"
#include "stages/extractor/certificate.h"

struct domain_cache;

/** An empty cache; NULL: no memory. */
struct domain_cache *domain_cache_new(void);

/** Frees it and nulls the pointer; accepts NULL. */
void domain_cache_free(struct domain_cache **cache);

/**
 * Gives the domains of a certificate (certificate.h) as one msgpack array of str, empty where
 * libcrypto cannot read it: what is known by the fingerprint, or what `der` says. *domains is
 * borrowed until the next call. 0 or -ENOMEM.
 */
int domain_cache_read(struct domain_cache *cache, const char fingerprint[FINGERPRINT_TEXT],
                      struct slice der, struct slice *domains);

#endif
