#include "common/bus/sharing.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/bus/realm.h"
#include "common/bus/region.h"

struct sharing {
    struct stock_head *head; /* NULL: not mapped */
    void *pieces;            /* likewise */
    struct original original;
};

struct offer {
    uint64_t realm, process, descriptor, id;
};

static int read_offer(struct slice bytes, struct offer *offer)
{
    struct unpack from = unpack_over(bytes.bytes, bytes.length);
    unpack_array_of(&from, 4);
    offer->realm = unpack_uint(&from);
    offer->process = unpack_uint(&from);
    offer->descriptor = unpack_uint(&from);
    offer->id = unpack_uint(&from);
    return from.error ? ERR_MALFORMED : 0;
}

/* Packets are the reader's: nobody else can write there. */
static int map(struct sharing *sharing, int memory)
{
    int error;
    sharing->pieces = realm_map(memory, 0, STOCK_PIECES, false, &error);
    if (!error)
        sharing->head = realm_map(memory, STOCK_PIECES, REGION_PAGE, true, &error);
    if (!error)
        sharing->original = (struct original){sharing->pieces, sharing->head->uses};
    return error;
}

static int open_stock(struct sharing *sharing, const struct offer *offer)
{
    size_t size;
    int memory = realm_open(offer->process, offer->descriptor, &size);
    if (memory < 0)
        return memory;
    int error = size == STOCK_SIZE ? map(sharing, memory) : ERR_LOST;
    close(memory);
    /* Another process may have that number by now, or another stock the descriptor's. */
    return error ? error : sharing->head->id == offer->id ? 0 : ERR_LOST;
}

struct sharing *sharing_new(struct slice bytes, uint64_t realm, int *error)
{
    struct offer offer;
    struct unpack from = unpack_over(bytes.bytes, bytes.length);
    *error = 0;
    if (!bytes.length || unpack_type(&from) == UNPACK_NIL)
        return NULL;
    *error = read_offer(bytes, &offer);
    if (*error || !realm || offer.realm != realm)
        return NULL;
    struct sharing *sharing = calloc(1, sizeof *sharing);
    *error = sharing ? open_stock(sharing, &offer) : -ENOMEM;
    if (*error)
        sharing_free(&sharing);
    return sharing;
}

const struct original *sharing_original(const struct sharing *sharing)
{
    return &sharing->original;
}

void sharing_free(struct sharing **sharing)
{
    if (!*sharing)
        return;
    if ((*sharing)->head)
        munmap((*sharing)->head, REGION_PAGE);
    if ((*sharing)->pieces)
        munmap((*sharing)->pieces, STOCK_PIECES);
    free(*sharing);
    *sharing = NULL;
}
