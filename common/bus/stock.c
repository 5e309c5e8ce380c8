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
    struct stock_head *head; /* NULL: not mapped */
    uint8_t *pieces;
    struct original original;
    uint32_t latest; /* the piece that was taken last */
};

static int map(struct stock *stock)
{
    void *memory = mmap(NULL, STOCK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, stock->descriptor, 0);
    if (memory == MAP_FAILED)
        return -errno;
    stock->head = memory;
    stock->pieces = (uint8_t *)memory + STOCK_FIRST;
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

/* In turn: the one that was used longest ago is the first that others are done with. */
uint8_t *stock_take(struct stock *stock)
{
    for (uint32_t i = 1; i <= ORIGINAL_PIECES; i++) {
        uint32_t piece = (stock->latest + i) % ORIGINAL_PIECES;
        _Atomic uint32_t *uses = &stock->head->uses[piece];
        if (atomic_load_explicit(uses, memory_order_acquire))
            continue;
        atomic_store_explicit(uses, 1, memory_order_relaxed);
        stock->latest = piece;
        return stock->pieces + (size_t)piece * ORIGINAL_PIECE;
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
    if ((*stock)->head)
        munmap((*stock)->head, STOCK_SIZE);
    if ((*stock)->descriptor >= 0)
        close((*stock)->descriptor);
    free(*stock);
    *stock = NULL;
}
