#include "common/bus/borrowing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/bus/link.h"
#include "common/bus/realm.h"
#include "common/bus/region.h"

/* What is mapped is known by who lent it. Sizes are the borrower's own copy: the lender could
 * change the region's. */
struct borrowed {
    struct borrowed *next;
    struct region *region;
    uint64_t sender;
    uint64_t link;
    size_t size;
    size_t slot_size;
    uint32_t slots;
    int descriptor;
};

struct borrowing {
    struct borrowed *first;
};

struct borrowing *borrowing_new(void)
{
    return calloc(1, sizeof(struct borrowing));
}

static void let_go(struct borrowed *borrowed)
{
    if (borrowed->region)
        munmap(borrowed->region, borrowed->size);
    if (borrowed->descriptor >= 0)
        close(borrowed->descriptor);
    free(borrowed);
}

/* Does the region say what it must, of itself and of its lender? */
static int check(struct borrowed *borrowed)
{
    const struct region *region = borrowed->region;
    borrowed->slots = region->slots;
    borrowed->slot_size = region->slot_size;
    if (region->sender != borrowed->sender || region->link != borrowed->link)
        return ERR_LOST; /* another process has that number now */
    size_t first = region_first(borrowed->slots);
    bool fits = borrowed->slot_size && first <= borrowed->size &&
                borrowed->slots <= (borrowed->size - first) / borrowed->slot_size;
    return fits ? 0 : ERR_MALFORMED;
}

static int map(struct borrowed *borrowed, uint64_t process, uint64_t descriptor)
{
    borrowed->descriptor = realm_open(process, descriptor, &borrowed->size);
    if (borrowed->descriptor < 0)
        return borrowed->descriptor;
    if (borrowed->size < sizeof(struct region))
        return ERR_MALFORMED;
    void *memory = mmap(NULL, borrowed->size, PROT_READ | PROT_WRITE, MAP_SHARED,
                        borrowed->descriptor, 0);
    if (memory == MAP_FAILED)
        return -errno;
    borrowed->region = memory;
    return check(borrowed);
}

static struct borrowed *known(const struct borrowing *borrowing, const struct message_head *head)
{
    struct borrowed *borrowed = borrowing->first;
    while (borrowed && (borrowed->sender != head->sender ||
                        borrowed->link != head->sequence >> LINK_NUMBER_SHIFT))
        borrowed = borrowed->next;
    return borrowed;
}

static struct borrowed *add(struct borrowing *borrowing, const struct message_head *head,
                            uint64_t process, uint64_t descriptor, int *error)
{
    struct borrowed *borrowed = calloc(1, sizeof *borrowed);
    *error = -ENOMEM;
    if (!borrowed)
        return NULL;
    borrowed->sender = head->sender;
    borrowed->link = head->sequence >> LINK_NUMBER_SHIFT;
    *error = map(borrowed, process, descriptor);
    if (*error) {
        let_go(borrowed);
        return NULL;
    }
    borrowed->next = borrowing->first;
    return borrowing->first = borrowed;
}

int borrowing_find(struct borrowing *borrowing, const struct message_head *head,
                   struct unpack *body, struct loan *loan)
{
    unpack_array_of(body, 5);
    uint64_t process = unpack_uint(body), descriptor = unpack_uint(body);
    uint64_t slot = unpack_uint(body), start = unpack_uint(body), length = unpack_uint(body);
    int error = body->error;
    struct borrowed *from = error ? NULL : known(borrowing, head);
    if (!error && !from)
        from = add(borrowing, head, process, descriptor, &error);
    if (error)
        return error;
    if (slot >= from->slots || start > from->slot_size || length > from->slot_size - start)
        return ERR_MALFORMED;
    const uint8_t *at = (const uint8_t *)from->region + region_first(from->slots) +
                        slot * from->slot_size + start;
    *loan = (struct loan){{at, length}, from, (uint32_t)slot};
    return 0;
}

void loan_return(struct loan *loan)
{
    if (!loan->from)
        return;
    struct region *region = loan->from->region;
    atomic_store_explicit(&region->lent[loan->slot], 0, memory_order_release);
    sem_post(&region->room);
    *loan = (struct loan){0};
}

/* A lender holds a lock on its memory for as long as it has it. */
static bool given_up(const struct borrowed *borrowed)
{
    return flock(borrowed->descriptor, LOCK_EX | LOCK_NB) == 0;
}

void borrowing_sweep(struct borrowing *borrowing)
{
    struct borrowed **at = &borrowing->first;
    while (*at) {
        struct borrowed *borrowed = *at;
        if (!given_up(borrowed)) {
            at = &borrowed->next;
            continue;
        }
        *at = borrowed->next;
        let_go(borrowed);
    }
}

void borrowing_free(struct borrowing **borrowing)
{
    if (!*borrowing)
        return;
    while ((*borrowing)->first) {
        struct borrowed *borrowed = (*borrowing)->first;
        (*borrowing)->first = borrowed->next;
        let_go(borrowed);
    }
    free(*borrowing);
    *borrowing = NULL;
}
