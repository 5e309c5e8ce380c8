#include "stages/sink/top.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/text.h"

enum { SLOTS = 2 * TOP_CAPACITY };

struct top {
    struct top_item items[TOP_CAPACITY];
    uint16_t slots[SLOTS]; /* by hash: 1 + the item's index; 0: free */
    size_t count;
    bool overflowed;
};

struct top *top_new(void)
{
    return calloc(1, sizeof(struct top));
}

void top_free(struct top **top)
{
    free(*top);
    *top = NULL;
}

/* The slot where the hash stands, or the free one where it would. Half of the slots are free. */
static uint16_t *slot_of(struct top *top, uint64_t hash)
{
    size_t at = hash % SLOTS;
    while (top->slots[at] && top->items[top->slots[at] - 1].hash != hash)
        at = (at + 1) % SLOTS;
    return &top->slots[at];
}

static void index_items(struct top *top)
{
    memset(top->slots, 0, sizeof top->slots);
    for (size_t i = 0; i < top->count; i++)
        *slot_of(top, top->items[i].hash) = (uint16_t)(i + 1);
}

/* No room for another: every count gives one up, and what has none left goes. Each round takes
 * back as many counts as it looks at, so that all rounds together cost no more than the adding. */
static void give_one_up(struct top *top)
{
    size_t kept = 0;
    for (size_t i = 0; i < top->count; i++) {
        if (--top->items[i].count == 0)
            continue;
        top->items[kept++] = top->items[i];
    }
    top->count = kept;
    top->overflowed = true;
    index_items(top);
}

void top_add(struct top *top, const void *text, size_t length)
{
    uint64_t hash = XXH3_64bits(text, length);
    uint16_t *slot = slot_of(top, hash);
    if (*slot) {
        top->items[*slot - 1].count++;
        return;
    }
    if (top->count == TOP_CAPACITY) {
        give_one_up(top);
        return;
    }
    struct top_item *item = &top->items[top->count++];
    item->hash = hash;
    item->count = 1;
    item->length = (uint8_t)text_valid(text, length < TOP_TEXT ? length : TOP_TEXT);
    memcpy(item->text, text, item->length);
    *slot = (uint16_t)top->count;
}

uint64_t top_distinct(const struct top *top, bool *exact)
{
    *exact = !top->overflowed;
    return top->overflowed ? TOP_CAPACITY : top->count;
}

static int compare_items(const void *left, const void *right)
{
    const struct top_item *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    return order ? order : a->length - b->length;
}

const struct top_item *top_items(struct top *top, size_t *count)
{
    qsort(top->items, top->count, sizeof top->items[0], compare_items);
    index_items(top);
    *count = top->count;
    return top->items;
}
