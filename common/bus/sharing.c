#include "common/bus/sharing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/wire/pack.h"

enum { OFFER_FIELDS = 6 };

struct sharing {
    struct mapping *own; /* NULL: the mapping is the reader's */
    const struct mapping *mapping;
    struct original original;
};

/* The device and the inode tell it from what a later process may have open by the same number. */
struct offer {
    uint64_t realm, process, descriptor, device, inode, size;
};

void sharing_offer(struct buffer *to, uint64_t realm, const struct mapping *mapping)
{
    struct stat status;
    if (!mapping || fstat(mapping_descriptor(mapping), &status) != 0) {
        pack_nil(to);
        return;
    }
    pack_array(to, OFFER_FIELDS);
    pack_uint(to, realm);
    pack_uint(to, (uint64_t)getpid());
    pack_uint(to, (uint64_t)mapping_descriptor(mapping));
    pack_uint(to, status.st_dev);
    pack_uint(to, status.st_ino);
    pack_uint(to, mapping_size(mapping));
}

static int read_offer(struct slice bytes, struct offer *offer)
{
    struct unpack from = unpack_over(bytes.bytes, bytes.length);
    unpack_array_of(&from, OFFER_FIELDS);
    offer->realm = unpack_uint(&from);
    offer->process = unpack_uint(&from);
    offer->descriptor = unpack_uint(&from);
    offer->device = unpack_uint(&from);
    offer->inode = unpack_uint(&from);
    offer->size = unpack_uint(&from);
    bool sound = !from.error && offer->size && offer->size < ORIGINAL_MOST_BYTES;
    return sound ? 0 : ERR_MALFORMED;
}

static bool is_it(int file, const struct offer *offer)
{
    struct stat status;
    return fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_dev == offer->device &&
           status.st_ino == offer->inode && (uint64_t)status.st_size >= offer->size;
}

static int open_file(const struct offer *offer)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%llu/fd/%llu", (unsigned long long)offer->process,
             (unsigned long long)offer->descriptor);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return errno == ENOENT ? ERR_LOST : -errno;
    if (is_it(file, offer))
        return file;
    close(file);
    return ERR_LOST;
}

static struct mapping *map(const struct offer *offer, int *error)
{
    int file = open_file(offer);
    if (file < 0) {
        *error = file;
        return NULL;
    }
    struct mapping *mapping = mapping_new(file, offer->size, error);
    close(file);
    return mapping;
}

static void forget_places(struct original *original)
{
    original->from = UINT64_MAX;
    original->to = 0;
}

struct sharing *sharing_new(const struct mapping *mapping)
{
    struct sharing *sharing = calloc(1, sizeof *sharing);
    if (!sharing)
        return NULL;
    sharing->mapping = mapping;
    sharing->original.bytes = mapping_bytes(mapping);
    sharing->original.size = mapping_size(mapping);
    forget_places(&sharing->original);
    return sharing;
}

struct sharing *sharing_accept(struct slice bytes, uint64_t realm, int *error)
{
    struct offer offer;
    struct unpack from = unpack_over(bytes.bytes, bytes.length);
    *error = 0;
    if (!bytes.length || unpack_type(&from) == UNPACK_NIL)
        return NULL;
    *error = read_offer(bytes, &offer);
    if (*error || !realm || offer.realm != realm)
        return NULL;
    struct mapping *mapping = map(&offer, error);
    struct sharing *sharing = mapping ? sharing_new(mapping) : NULL;
    if (sharing)
        sharing->own = mapping;
    else
        mapping_free(&mapping);
    *error = sharing || *error ? *error : -ENOMEM;
    return sharing;
}

struct original *sharing_original(struct sharing *sharing)
{
    return sharing ? &sharing->original : NULL;
}

void sharing_pass(struct sharing *sharing)
{
    if (!sharing || !sharing->own)
        return;
    mapping_release(sharing->own, sharing->original.from, sharing->original.to);
    forget_places(&sharing->original);
}

bool sharing_broken(const struct sharing *sharing)
{
    return sharing && mapping_broken(sharing->mapping);
}

void sharing_free(struct sharing **sharing)
{
    if (!*sharing)
        return;
    mapping_free(&(*sharing)->own);
    free(*sharing);
    *sharing = NULL;
}
