#include "common/bus/lending.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/bus/realm.h"
#include "common/bus/region.h"
#include "common/wire/pack.h"

/* Slots beyond those that may be with the borrower: for batches of several captures that are being
 * packed at the same time. Where that many do not suffice, the rest goes through the socket. */
enum { PACKING = 8 };

enum slot_state { SLOT_FREE, SLOT_FILLED, SLOT_LENT };

struct slot {
    enum slot_state state;
    size_t size; /* of what was lent */
};

struct lending {
    struct lender lender; /* first: buffers know no more of it */
    struct vitals *vitals;
    struct region *region;
    uint8_t *first; /* slot */
    size_t slot_size;
    size_t size; /* of the region */
    uint64_t process; /* this one, as others open its memory */
    int descriptor;
    uint32_t slots;
    uint32_t waiting;
    uint32_t filled; /* slots that buffers hold */
    bool closed;     /* it ends with the last of them */
    bool used;       /* since it was settled last */
    bool touched;    /* there is something in the memory */
    struct slot slot[];
};

/* ---- slots -------------------------------------------------------------------------------- */

static uint8_t *slot_memory(const struct lending *lending, uint32_t slot)
{
    return lending->first + slot * lending->slot_size;
}

static uint32_t slot_of(const struct lending *lending, const uint8_t *bytes)
{
    return (uint32_t)((size_t)(bytes - lending->first) / lending->slot_size);
}

static void destroy(struct lending *lending)
{
    for (uint32_t i = 0; i < lending->slots; i++)
        if (lending->slot[i].state == SLOT_LENT)
            vital_subtract_shared(&lending->vitals->queue_bytes, lending->slot[i].size);
    if (lending->region)
        munmap(lending->region, lending->size);
    if (lending->descriptor >= 0)
        close(lending->descriptor);
    free(lending);
}

/* A buffer needs its slot no more. */
static void give_back(struct lender *lender, uint8_t *bytes)
{
    struct lending *lending = (struct lending *)lender;
    lending->slot[slot_of(lending, bytes)].state = SLOT_FREE;
    lending->filled--;
    if (lending->closed && !lending->filled)
        destroy(lending);
}

struct lending *lending_new(const struct lending_terms *terms)
{
    uint32_t slots = terms->waiting + PACKING;
    struct lending *lending = calloc(1, sizeof *lending + slots * sizeof lending->slot[0]);
    if (!lending)
        return NULL;
    lending->lender.give_back = give_back;
    lending->vitals = terms->vitals;
    lending->process = (uint64_t)getpid();
    lending->slots = slots;
    lending->waiting = terms->waiting;
    lending->slot_size = region_pages(terms->slot_size);
    lending->size = region_size(slots, lending->slot_size);
    lending->descriptor = realm_make(lending->size);
    void *memory = lending->descriptor < 0 ? MAP_FAILED
                                           : mmap(NULL, lending->size, PROT_READ | PROT_WRITE,
                                                  MAP_SHARED, lending->descriptor, 0);
    if (memory == MAP_FAILED) {
        destroy(lending);
        return NULL;
    }
    struct region *region = lending->region = memory;
    lending->first = (uint8_t *)memory + region_first(slots);
    region->sender = terms->sender;
    region->link = terms->link;
    region->slots = slots;
    region->slot_size = lending->slot_size;
    sem_init(&region->room, 1, terms->waiting);
    return lending;
}

static void settle_slot(struct lending *lending, uint32_t at)
{
    struct slot *slot = &lending->slot[at];
    if (slot->state != SLOT_LENT ||
        atomic_load_explicit(&lending->region->lent[at], memory_order_acquire))
        return;
    slot->state = SLOT_FREE;
    vital_subtract_shared(&lending->vitals->queue_bytes, slot->size);
}

static bool in_use(const struct lending *lending)
{
    for (uint32_t i = 0; i < lending->slots; i++)
        if (lending->slot[i].state != SLOT_FREE)
            return true;
    return false;
}

void lending_settle(struct lending *lending)
{
    off_t first = lending->first - (uint8_t *)lending->region;
    for (uint32_t i = 0; i < lending->slots; i++)
        settle_slot(lending, i);
    bool idle = !lending->used && !in_use(lending);
    lending->used = false;
    if (!lending->touched || !idle)
        return;
    fallocate(lending->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, first,
              (off_t)lending->size - first);
    lending->touched = false;
}

/* The first that is free is the one that was used last: its memory is still in the cache. */
void lending_fill(struct lending *lending, struct buffer *buffer)
{
    assert(!buffer->bytes);
    for (uint32_t i = 0; i < lending->slots; i++) {
        settle_slot(lending, i);
        if (lending->slot[i].state != SLOT_FREE)
            continue;
        lending->slot[i].state = SLOT_FILLED;
        lending->filled++;
        lending->used = lending->touched = true;
        *buffer = (struct buffer){.bytes = slot_memory(lending, i),
                                  .size = lending->slot_size,
                                  .lender = &lending->lender};
        return;
    }
}

bool lending_holds(const struct lending *lending, const struct buffer *buffer)
{
    return buffer->lender == &lending->lender;
}

void lending_hand_over(struct lending *lending, struct buffer *buffer, size_t start,
                       struct buffer *note)
{
    uint32_t slot = slot_of(lending, buffer->bytes);
    size_t size = buffer->length - start;
    assert(lending_holds(lending, buffer) && lending->slot[slot].state == SLOT_FILLED);
    lending->slot[slot] = (struct slot){SLOT_LENT, size};
    lending->filled--;
    vital_add_shared(&lending->vitals->queue_bytes, size);
    atomic_store_explicit(&lending->region->lent[slot], 1, memory_order_release);
    pack_array(note, 5);
    pack_uint(note, lending->process);
    pack_uint(note, (uint64_t)lending->descriptor);
    pack_uint(note, slot);
    pack_uint(note, start);
    pack_uint(note, size);
    *buffer = (struct buffer){0};
}

/* ---- room --------------------------------------------------------------------------------- */

/* A signal cuts the wait short. */
static bool wait_until(struct lending *lending, int64_t deadline_ns)
{
    const struct timespec deadline = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    return sem_clockwait(&lending->region->room, CLOCK_MONOTONIC, &deadline) == 0;
}

bool lending_wait(struct lending *lending, int wait_ms)
{
    if (sem_trywait(&lending->region->room) == 0)
        return true;
    if (wait_ms < 0)
        return sem_wait(&lending->region->room) == 0;
    return wait_ms && wait_until(lending, clock_monotonic() + (int64_t)wait_ms * 1000000);
}

/* Who has all the room there is knows that nothing is with the borrower. */
static void wait_for_all(struct lending *lending, int linger_ms)
{
    int64_t deadline = clock_monotonic() + (int64_t)linger_ms * 1000000;
    for (uint32_t i = 0; i < lending->waiting && linger_ms; i++)
        if (sem_trywait(&lending->region->room) != 0 && !wait_until(lending, deadline))
            return;
}

void lending_free(struct lending **lending, int linger_ms)
{
    if (!*lending)
        return;
    wait_for_all(*lending, linger_ms);
    (*lending)->closed = true;
    if (!(*lending)->filled)
        destroy(*lending);
    *lending = NULL;
}
