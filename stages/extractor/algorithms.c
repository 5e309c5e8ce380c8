#include "stages/extractor/algorithms.h"

#include <errno.h>
#include <openssl/core_names.h>

/* A context that knows its cipher; it is given a key at each use. */
static EVP_CIPHER_CTX *cipher_new(const char *name)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context && !EVP_CipherInit_ex(context, cipher, NULL, NULL, NULL, -1)) {
        EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    EVP_CIPHER_free(cipher); /* the context holds on to it */
    return context;
}

EVP_CIPHER_CTX *algorithms_aes_128_ecb(void)
{
    static EVP_CIPHER_CTX *context;
    if (!context)
        context = cipher_new("AES-128-ECB");
    return context;
}

EVP_CIPHER_CTX *algorithms_aes_128_gcm(void)
{
    static EVP_CIPHER_CTX *context;
    if (!context)
        context = cipher_new("AES-128-GCM");
    return context;
}

int algorithms_sha256(const void *bytes, size_t length, uint8_t digest[SHA256_BYTES])
{
    static EVP_MD *sha256;
    if (!sha256)
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    return sha256 && EVP_Digest(bytes, length, digest, NULL, sha256, NULL) ? 0 : -ENOMEM;
}

/* A context that knows its digest; it is given a key at each use. */
static EVP_MAC_CTX *hmac_new(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac); /* the context holds on to it */
    if (context && !EVP_MAC_CTX_set_params(context, parameters)) {
        EVP_MAC_CTX_free(context);
        context = NULL;
    }
    return context;
}

int algorithms_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length,
                           uint8_t digest[SHA256_BYTES])
{
    static EVP_MAC_CTX *context;
    size_t written;
    if (!context)
        context = hmac_new();
    return context && EVP_MAC_init(context, key, key_length, NULL) &&
                   EVP_MAC_update(context, bytes, length) &&
                   EVP_MAC_final(context, digest, &written, SHA256_BYTES)
               ? 0
               : -ENOMEM;
}
