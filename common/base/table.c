#include "common/base/table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { FIRST_SIZE = 64, FIRST_SHIFT = 60, NEIGHBOURS_BITS = 2 };

/* Ids count up, one range for each tracker, and what comes together was mostly opened together: so
 * neighbours stand side by side, as many as a line of the cache holds. These are spread by a
 * multiplication, of which the upper bits are those that lie evenly (Knuth's method). */
static size_t home(const struct table *table, uint64_t id)
{
    size_t line = (size_t)((id >> NEIGHBOURS_BITS) * UINT64_C(0x9e3779b97f4a7c15) >> table->shift);
    return line << NEIGHBOURS_BITS | (id & ((1 << NEIGHBOURS_BITS) - 1));
}

/* The slot that holds the id, or the free one where it would stand. */
static struct table_slot *slot_of(const struct table *table, uint64_t id)
{
    size_t at = home(table, id);
    while (table->slots[at].object && table->slots[at].id != id)
        at = (at + 1) & (table->size - 1);
    return &table->slots[at];
}

void *table_find(const struct table *table, uint64_t id)
{
    return table->size ? slot_of(table, id)->object : NULL;
}

void table_prefetch(const struct table *table, uint64_t id)
{
    if (table->size)
        __builtin_prefetch(&table->slots[home(table, id)]);
}

static int grow(struct table *table)
{
    struct table wider = {.size = table->size ? 2 * table->size : FIRST_SIZE,
                          .shift = table->size ? table->shift - 1 : FIRST_SHIFT,
                          .count = table->count};
    wider.slots = calloc(wider.size, sizeof *wider.slots);
    if (!wider.slots)
        return -ENOMEM;
    for (size_t i = 0; i < table->size; i++)
        if (table->slots[i].object)
            *slot_of(&wider, table->slots[i].id) = table->slots[i];
    free(table->slots);
    *table = wider;
    return 0;
}

int table_add(struct table *table, uint64_t id, void *object)
{
    assert(object);
    if (4 * (table->count + 1) > 3 * table->size && grow(table) != 0)
        return -ENOMEM;
    struct table_slot *slot = slot_of(table, id);
    assert(!slot->object);
    *slot = (struct table_slot){id, object};
    table->count++;
    return 0;
}

void *table_take(struct table *table, uint64_t id)
{
    struct table_slot *hole = table->size ? slot_of(table, id) : NULL;
    if (!hole || !hole->object)
        return NULL;
    void *object = hole->object;
    size_t mask = table->size - 1, free_at = (size_t)(hole - table->slots);
    /* What probing carried past the hole moves back into it, as if the id had never been. */
    for (size_t at = (free_at + 1) & mask; table->slots[at].object; at = (at + 1) & mask) {
        size_t carried = (at - home(table, table->slots[at].id)) & mask;
        if (carried >= ((at - free_at) & mask)) {
            table->slots[free_at] = table->slots[at];
            free_at = at;
        }
    }
    table->slots[free_at].object = NULL;
    table->count--;
    return object;
}

void table_free(struct table *table, void (*drop)(void *object))
{
    for (size_t i = 0; drop && i < table->size; i++)
        if (table->slots[i].object)
            drop(table->slots[i].object);
    free(table->slots);
    *table = (struct table){0};
}
