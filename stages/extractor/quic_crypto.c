#include "stages/extractor/quic_crypto.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/base/error.h"
#include "stages/extractor/algorithms.h"

enum { SAMPLE = 16, TAG = 16, LONGEST_NUMBER = 4, LABEL = 64 };

/* HKDF-Expand-Label with an empty context (RFC 8446, section 7.1). No output is longer than one
 * digest, so that the first block of HKDF-Expand (RFC 5869, section 2.3) is all of it. Without a
 * secret it is the one of the call before. */
static int expand(const uint8_t *secret, const char *label, uint8_t *out, size_t length)
{
    uint8_t info[LABEL] = {0, (uint8_t)length}, block[SHA256_BYTES];
    size_t label_length = strlen("tls13 ") + strlen(label), at = 2;
    info[at++] = (uint8_t)label_length;
    memcpy(info + at, "tls13 ", strlen("tls13 "));
    memcpy(info + at + strlen("tls13 "), label, strlen(label));
    at += label_length + 1; /* and the context's length, 0 */
    info[at++] = 1;         /* the block's number */
    int error = algorithms_hmac_sha256(secret, SHA256_BYTES, info, at, block);
    if (!error)
        memcpy(out, block, length);
    return error;
}

int quic_keys_derive(struct quic_keys *keys, const struct quic_version *version, const uint8_t *id,
                     size_t id_length)
{
    uint8_t initial[SHA256_BYTES], client[SHA256_BYTES];
    int error = algorithms_hmac_sha256(version->salt, QUIC_SALT, id, id_length, initial);
    if (!error)
        error = expand(initial, "client in", client, sizeof client);
    if (!error)
        error = expand(client, version->key_label, keys->key, sizeof keys->key);
    if (!error)
        error = expand(NULL, version->iv_label, keys->iv, sizeof keys->iv);
    if (!error)
        error = expand(NULL, version->hp_label, keys->hp, sizeof keys->hp);
    return error;
}

/* One block of AES over the sample: its first byte is for the header's first, the next ones for
 * the packet number (RFC 9001, section 5.4). */
static int header_mask(const struct quic_keys *keys, const uint8_t *sample, uint8_t mask[SAMPLE])
{
    EVP_CIPHER_CTX *context = algorithms_aes_128_ecb();
    int length;
    return context && EVP_EncryptInit_ex(context, NULL, NULL, keys->hp, NULL) &&
                   EVP_EncryptUpdate(context, mask, &length, sample, SAMPLE)
               ? 0
               : -ENOMEM;
}

/* What the header says once its protection is off. */
struct header {
    uint8_t first;
    uint8_t number[LONGEST_NUMBER];
    size_t number_length;
};

static struct header header_unmask(const struct quic_packet *packet, const uint8_t mask[SAMPLE])
{
    struct header header = {.first = packet->bytes[0] ^ (mask[0] & 0x0f)};
    header.number_length = (header.first & 3u) + 1;
    for (size_t i = 0; i < header.number_length; i++)
        header.number[i] = packet->bytes[packet->number_at + i] ^ mask[1 + i];
    return header;
}

/* The header as it was before protection is the additional data: its first byte, what stands
 * between, and the packet number. */
static int payload_open(const struct quic_keys *keys, const struct quic_packet *packet,
                        const struct header *header, uint8_t *payload, size_t *payload_length)
{
    EVP_CIPHER_CTX *context = algorithms_aes_128_gcm();
    uint8_t nonce[QUIC_IV], tag[TAG];
    memcpy(nonce, keys->iv, sizeof nonce);
    for (size_t i = 0; i < header->number_length; i++)
        nonce[QUIC_IV - header->number_length + i] ^= header->number[i];
    size_t begin = packet->number_at + header->number_length;
    size_t length = packet->length - begin - TAG;
    memcpy(tag, packet->bytes + packet->length - TAG, TAG);
    int ignored;
    if (!context || !EVP_DecryptInit_ex(context, NULL, NULL, keys->key, nonce) ||
        !EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, tag) ||
        !EVP_DecryptUpdate(context, NULL, &ignored, &header->first, 1) ||
        !EVP_DecryptUpdate(context, NULL, &ignored, packet->bytes + 1,
                           (int)packet->number_at - 1) ||
        !EVP_DecryptUpdate(context, NULL, &ignored, header->number, (int)header->number_length) ||
        !EVP_DecryptUpdate(context, payload, &ignored, packet->bytes + begin, (int)length))
        return -ENOMEM;
    *payload_length = length;
    return EVP_DecryptFinal_ex(context, payload + length, &ignored) == 1 ? 0 : ERR_MALFORMED;
}

int quic_open(const struct quic_keys *keys, const struct quic_packet *packet, uint8_t *payload,
              size_t *length)
{
    if (packet->length - packet->number_at < LONGEST_NUMBER + SAMPLE)
        return ERR_MALFORMED;
    uint8_t mask[SAMPLE];
    int error = header_mask(keys, packet->bytes + packet->number_at + LONGEST_NUMBER, mask);
    if (error)
        return error;
    struct header header = header_unmask(packet, mask);
    return payload_open(keys, packet, &header, payload, length);
}
