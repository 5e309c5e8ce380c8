/*
 * A QUIC client for the tests: protects Initial packets as RFC 9001, section 5, says.
 */
#ifndef TAPLINE_TESTS_QUIC_SEAL_H
#define TAPLINE_TESTS_QUIC_SEAL_H

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "stages/extractor/quic_crypto.h"

enum { SEAL_ROOM = 70000, SEAL_NUMBER = 2, SEAL_TAG = 16 };

struct sealed {
    uint8_t bytes[SEAL_ROOM];
    size_t length;
};

static inline void seal_put(struct sealed *s, const void *bytes, size_t length)
{
    if (s->length + length > SEAL_ROOM)
        abort();
    memcpy(s->bytes + s->length, bytes, length);
    s->length += length;
}

/* A variable-length integer in four bytes. */
static inline void seal_int(struct sealed *s, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)(0x80 | value >> 24), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 8), (uint8_t)value};
    seal_put(s, bytes, sizeof bytes);
}

static inline void seal_crypto_frame(struct sealed *s, uint32_t offset, const uint8_t *bytes,
                                     size_t length)
{
    seal_put(s, "\x06", 1);
    seal_int(s, offset);
    seal_int(s, (uint32_t)length);
    seal_put(s, bytes, length);
}

static inline void seal_check(int done)
{
    if (done != 1)
        abort();
}

static inline void seal_protect(struct sealed *to, size_t start, size_t number_at,
                                const struct quic_keys *keys, const struct sealed *frames)
{
    uint8_t nonce[QUIC_IV], mask[16];
    int length;
    uint8_t *header = to->bytes + start, *body = to->bytes + to->length;
    memcpy(nonce, keys->iv, sizeof nonce);
    for (size_t i = 0; i < SEAL_NUMBER; i++)
        nonce[QUIC_IV - SEAL_NUMBER + i] ^= to->bytes[number_at + i];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    seal_check(EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, nonce));
    seal_check(EVP_EncryptUpdate(context, NULL, &length, header, (int)(to->length - start)));
    seal_check(EVP_EncryptUpdate(context, body, &length, frames->bytes, (int)frames->length));
    seal_check(EVP_EncryptFinal_ex(context, body + length, &length));
    to->length += frames->length;
    seal_check(
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG, to->bytes + to->length));
    to->length += SEAL_TAG;
    seal_check(EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, keys->hp, NULL));
    seal_check(EVP_EncryptUpdate(context, mask, &length, to->bytes + number_at + 4, 16));
    header[0] ^= mask[0] & 0x0f;
    for (size_t i = 0; i < SEAL_NUMBER; i++)
        to->bytes[number_at + i] ^= mask[1 + i];
    EVP_CIPHER_CTX_free(context);
}

/* What the client goes by. */
#define SEAL_SOURCE "source-1"

/* Appends an Initial packet to `to`, addressed to `id` and keyed by `key_id` (8 bytes each). */
static inline void seal_initial(struct sealed *to, uint32_t number, const char *id,
                                const char *key_id, const struct sealed *frames)
{
    const struct quic_version *version = quic_version_find(number);
    struct quic_keys keys;
    if (!version || quic_keys_derive(&keys, version, (const uint8_t *)key_id, 8) != 0)
        abort();
    size_t start = to->length;
    uint8_t head[] = {(uint8_t)(0xc0 | version->initial << 4 | (SEAL_NUMBER - 1)),
                      (uint8_t)(number >> 24),
                      (uint8_t)(number >> 16),
                      (uint8_t)(number >> 8),
                      (uint8_t)number,
                      8};
    seal_put(to, head, sizeof head);
    seal_put(to, id, 8);
    seal_put(to, "\x08" SEAL_SOURCE "\x00", 10); /* a source id, and no token */
    seal_int(to, (uint32_t)(SEAL_NUMBER + frames->length + SEAL_TAG));
    size_t number_at = to->length;
    seal_put(to, "\x00\x07", SEAL_NUMBER);
    seal_protect(to, start, number_at, &keys, frames);
}

#endif
