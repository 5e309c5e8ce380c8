/*
 * What certificates say that were read lately: servers send the same few again and again, and to
 * know one by its bytes takes a hundredth of what libcrypto takes to read it.
 */
#ifndef TAPLINE_EXTRACTOR_CERTIFICATE_CACHE_H
#define TAPLINE_EXTRACTOR_CERTIFICATE_CACHE_H

#include "common/wire/unpack.h"
#include "stages/extractor/certificate.h"

struct certificate_cache;

/** An empty cache; NULL: no memory. */
struct certificate_cache *certificate_cache_new(void);

/** Frees it and nulls the pointer; accepts NULL. */
void certificate_cache_free(struct certificate_cache **cache);

/** What a certificate says; borrowed until the next one is read. */
struct certificate_words {
    const char *fingerprint; /* certificate.h */
    struct slice domains;    /* one msgpack array of str, empty where libcrypto cannot read them */
};

/** Reads a certificate, of one byte at least, or knows it from before. 0 or -ENOMEM. */
int certificate_cache_read(struct certificate_cache *cache, struct slice der,
                           struct certificate_words *words);

#endif
