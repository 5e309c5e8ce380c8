#include "stages/extractor/quic_crypto.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#include "common/base/error.h"
#include "common/wire/unpack.h"

enum { SECRET = 32, SAMPLE = 16, TAG = 16, LONGEST_NUMBER = 4, LABEL = 64 };

/* libcrypto takes parameters of either direction, and so none that is const. */
static OSSL_PARAM octets(const char *name, struct slice value)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)value.bytes, value.length);
}

/* One half of HKDF (RFC 5869); `input` is the salt of the one, the info of the other. */
static int hkdf(int mode, struct slice key, const char *input_name, struct slice input,
                uint8_t *out, size_t out_length)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets(OSSL_KDF_PARAM_KEY, key),
        octets(input_name, input),
        OSSL_PARAM_construct_end(),
    };
    bool done = context && EVP_KDF_derive(context, out, out_length, parameters) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return done ? 0 : -ENOMEM;
}

/* HKDF-Expand-Label with an empty context (RFC 8446, section 7.1). */
static int expand(const uint8_t secret[SECRET], const char *label, uint8_t *out, size_t length)
{
    uint8_t info[LABEL] = {0, (uint8_t)length};
    size_t label_length = strlen("tls13 ") + strlen(label), at = 2;
    info[at++] = (uint8_t)label_length;
    memcpy(info + at, "tls13 ", strlen("tls13 "));
    memcpy(info + at + strlen("tls13 "), label, strlen(label));
    at += label_length + 1; /* and the context's length, 0 */
    return hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, (struct slice){secret, SECRET}, OSSL_KDF_PARAM_INFO,
                (struct slice){info, at}, out, length);
}

int quic_keys_derive(struct quic_keys *keys, const struct quic_version *version, const uint8_t *id,
                     size_t id_length)
{
    uint8_t initial[SECRET], client[SECRET];
    int error =
        hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, (struct slice){id, id_length}, OSSL_KDF_PARAM_SALT,
             (struct slice){version->salt, QUIC_SALT}, initial, sizeof initial);
    if (!error)
        error = expand(initial, "client in", client, sizeof client);
    if (!error)
        error = expand(client, version->key_label, keys->key, sizeof keys->key);
    if (!error)
        error = expand(client, version->iv_label, keys->iv, sizeof keys->iv);
    if (!error)
        error = expand(client, version->hp_label, keys->hp, sizeof keys->hp);
    return error;
}

/* One block of AES over the sample: its first byte is for the header's first, the next ones for
 * the packet number (RFC 9001, section 5.4). */
static int header_mask(EVP_CIPHER_CTX *context, const struct quic_keys *keys, const uint8_t *sample,
                       uint8_t mask[SAMPLE])
{
    int length;
    if (!EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, keys->hp, NULL) ||
        !EVP_CIPHER_CTX_set_padding(context, 0) ||
        !EVP_EncryptUpdate(context, mask, &length, sample, SAMPLE))
        return -ENOMEM;
    return 0;
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
static int payload_open(EVP_CIPHER_CTX *context, const struct quic_keys *keys,
                        const struct quic_packet *packet, const struct header *header,
                        uint8_t *payload, size_t *payload_length)
{
    uint8_t nonce[QUIC_IV], tag[TAG];
    memcpy(nonce, keys->iv, sizeof nonce);
    for (size_t i = 0; i < header->number_length; i++)
        nonce[QUIC_IV - header->number_length + i] ^= header->number[i];
    size_t begin = packet->number_at + header->number_length;
    size_t length = packet->length - begin - TAG;
    memcpy(tag, packet->bytes + packet->length - TAG, TAG);
    int ignored;
    if (!EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, nonce) ||
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
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t mask[SAMPLE];
    int error = context ? 0 : -ENOMEM;
    if (!error)
        error =
            header_mask(context, keys, packet->bytes + packet->number_at + LONGEST_NUMBER, mask);
    if (!error) {
        struct header header = header_unmask(packet, mask);
        error = payload_open(context, keys, packet, &header, payload, length);
    }
    EVP_CIPHER_CTX_free(context);
    return error;
}
