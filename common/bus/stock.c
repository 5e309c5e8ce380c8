#include "common/bus/stock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/bus/realm.h"
#include "common/bus/region.h"
#include "common/wire/pack.h"

struct stock {
    int descriptor;
    uint8_t *pieces; /* NULL: not mapped */
    struct stock_head *head;
    struct original original;
    size_t large; /* bytes, from the first on, that are in large pages; all: so be it */
};
_Static_assert(REALM_LARGE_PAGE % ORIGINAL_PIECE == 0 && STOCK_PIECES % REALM_LARGE_PAGE == 0,
               "large pages begin with pieces, and hold no others");

static int map(struct stock *stock)
{
    int error;
    stock->pieces = realm_map(stock->descriptor, 0, STOCK_SIZE, true, &error);
    if (error)
        return error;
    stock->head = (struct stock_head *)(stock->pieces + STOCK_PIECES);
    stock->original = (struct original){stock->pieces, stock->head->uses};
    return getrandom(&stock->head->id, sizeof stock->head->id, 0) < 0 ? -errno : 0;
}

struct stock *stock_new(int *error)
{
    struct stock *stock = calloc(1, sizeof *stock);
    *error = -ENOMEM;
    if (!stock)
        return NULL;
    stock->descriptor = realm_make(STOCK_SIZE);
    *error = stock->descriptor < 0 ? stock->descriptor : map(stock);
    if (*error)
        stock_free(&stock);
    return stock;
}

void stock_offer(const struct stock *stock, uint64_t realm, struct buffer *to)
{
    if (!stock) {
        pack_nil(to);
        return;
    }
    pack_array(to, 4);
    pack_uint(to, realm);
    pack_uint(to, (uint64_t)getpid());
    pack_uint(to, (uint64_t)stock->descriptor);
    pack_uint(to, stock->head->id);
}

const struct original *stock_original(const struct stock *stock)
{
    return &stock->original;
}

/* Every worker looks for the pages of every few packets, which takes longer the more pages there
 * are. A piece is first taken when all before it are in use, so that the next page's is its first.
 */
static uint8_t *piece_at(struct stock *stock, uint32_t piece)
{
    uint8_t *at = stock->pieces + (size_t)piece * ORIGINAL_PIECE;
    if (at == stock->pieces + stock->large)
        stock->large = realm_enlarge(at) ? stock->large + REALM_LARGE_PAGE : STOCK_PIECES;
    return at;
}

/* The first that is free, so that few are used again and again, and a cache may still hold them. */
uint8_t *stock_take(struct stock *stock)
{
    for (uint32_t piece = 0; piece < ORIGINAL_PIECES; piece++) {
        _Atomic uint32_t *uses = &stock->head->uses[piece];
        if (atomic_load_explicit(uses, memory_order_acquire))
            continue;
        atomic_store_explicit(uses, 1, memory_order_relaxed);
        return piece_at(stock, piece);
    }
    return NULL;
}

void stock_give(struct stock *stock, const uint8_t *piece)
{
    size_t at = (size_t)(piece - stock->pieces) / ORIGINAL_PIECE;
    atomic_fetch_sub_explicit(&stock->head->uses[at], 1, memory_order_release);
}

void stock_free(struct stock **stock)
{
    if (!*stock)
        return;
    if ((*stock)->pieces)
        munmap((*stock)->pieces, STOCK_SIZE);
    if ((*stock)->descriptor >= 0)
        close((*stock)->descriptor);
    free(*stock);
    *stock = NULL;
}
