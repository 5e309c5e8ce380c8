/*
 * libcrypto's algorithms, looked up and set up once in a process: libcrypto 3 otherwise looks for
 * the provider of an algorithm, and allocates for it, at every use, which takes longer than using
 * it.
 */
#ifndef TAPLINE_EXTRACTOR_ALGORITHMS_H
#define TAPLINE_EXTRACTOR_ALGORITHMS_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32 };

/** A cipher, to be given a key at each use; NULL: libcrypto has no memory, or not the cipher. It is
 *  the only one of its kind, and lives as long as the process does. */
EVP_CIPHER_CTX *algorithms_aes_128_ecb(void);
EVP_CIPHER_CTX *algorithms_aes_128_gcm(void);

/** SHA-256 (FIPS 180-4); 0 or -ENOMEM. */
int algorithms_sha256(const void *bytes, size_t length, uint8_t digest[SHA256_BYTES]);

/** HMAC with SHA-256 (RFC 2104); 0 or -ENOMEM. A `key` that is NULL means the one of the call
 *  before, of which nothing has to be computed again. */
int algorithms_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length,
                           uint8_t digest[SHA256_BYTES]);

#endif
