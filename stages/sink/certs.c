#include "stages/sink/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stages/sink/layout.h"

enum { RECENT = 1024, NAME_SIZE = 2 * SHA256_DIGEST_LENGTH + sizeof CERT_SUFFIX };

/* The directory itself knows which certificates there are; a table of recent ones saves asking. */
struct certs {
    int directory;
    uint64_t count;
    uint8_t recent[RECENT][SHA256_DIGEST_LENGTH];
};

struct certs *certs_new(int directory)
{
    struct certs *certs = calloc(1, sizeof *certs);
    if (certs)
        certs->directory = directory;
    return certs;
}

void certs_free(struct certs **certs)
{
    free(*certs);
    *certs = NULL;
}

static void file_name(const uint8_t digest[SHA256_DIGEST_LENGTH], char name[NAME_SIZE])
{
    for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++)
        snprintf(name + 2 * i, 3, "%02X", digest[i]);
    memcpy(name + 2 * SHA256_DIGEST_LENGTH, CERT_SUFFIX, sizeof CERT_SUFFIX);
}

static int write_certificate(int file, struct slice der)
{
    while (der.length) {
        ssize_t wrote = write(file, der.bytes, der.length);
        if (wrote < 0 && errno != EINTR)
            return -errno;
        if (wrote > 0)
            der = (struct slice){der.bytes + wrote, der.length - (size_t)wrote};
    }
    return 0;
}

int certs_keep(struct certs *certs, struct slice der)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    if (!EVP_Digest(der.bytes, der.length, digest, NULL, EVP_sha256(), NULL))
        return -ENOMEM;
    uint8_t *recent = certs->recent[((size_t)digest[0] << 8 | digest[1]) % RECENT];
    if (memcmp(recent, digest, sizeof digest) == 0)
        return 0;
    char name[NAME_SIZE];
    file_name(digest, name);
    int file = openat(certs->directory, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (file < 0 && errno != EEXIST)
        return -errno;
    int error = 0;
    if (file >= 0) {
        error = write_certificate(file, der);
        close(file);
        certs->count++;
    }
    memcpy(recent, digest, sizeof digest);
    return error;
}

uint64_t certs_count(const struct certs *certs)
{
    return certs->count;
}
