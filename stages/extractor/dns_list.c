#include "stages/extractor/dns_list.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

#include "common/wire/pack.h"

enum { FIRST_SLOTS = 16 };

struct entry {
    uint64_t hash;
    uint32_t at, length; /* in texts */
};

struct dns_list dns_list_within(struct conversation *c, unsigned which)
{
    unsigned first = ROOM_LISTS + which * DNS_LIST_ROOMS;
    return (struct dns_list){.texts = conversation_room(c, first),
                             .entries = conversation_room(c, first + 1),
                             .slots = conversation_room(c, first + 2)};
}

static size_t entry_count(const struct dns_list *list)
{
    return list->entries->length / sizeof(struct entry);
}

static struct entry entry_at(const struct dns_list *list, size_t number)
{
    struct entry entry;
    memcpy(&entry, list->entries->bytes + number * sizeof entry, sizeof entry);
    return entry;
}

static uint32_t *slot_of(const struct dns_list *list, uint64_t hash, const char *text,
                         size_t length)
{
    uint32_t *slots = (uint32_t *)(void *)list->slots->bytes;
    size_t mask = list->slots->length / sizeof *slots - 1, at = hash & mask;
    for (; slots[at] != 0; at = (at + 1) & mask) {
        struct entry entry = entry_at(list, slots[at] - 1);
        if (text && entry.hash == hash && entry.length == length &&
            memcmp(list->texts->bytes + entry.at, text, length) == 0)
            break;
    }
    return &slots[at];
}

/* Keeps half of the slots free. */
static int slots_grow(struct dns_list *list)
{
    size_t count = entry_count(list), slots = list->slots->length / sizeof(uint32_t);
    if (2 * (count + 1) <= slots)
        return 0;
    slots = slots ? 2 * slots : FIRST_SLOTS;
    buffer_clear(list->slots);
    uint8_t *room = buffer_reserve(list->slots, slots * sizeof(uint32_t));
    if (!room)
        return -ENOMEM;
    memset(room, 0, slots * sizeof(uint32_t));
    list->slots->length = slots * sizeof(uint32_t);
    for (size_t i = 0; i < count; i++)
        *slot_of(list, entry_at(list, i).hash, NULL, 0) = (uint32_t)(i + 1);
    return 0;
}

int dns_list_add(struct dns_list *list, const char *text, size_t length)
{
    if (slots_grow(list) != 0)
        return -ENOMEM;
    struct entry entry = {XXH3_64bits(text, length), (uint32_t)list->texts->length,
                          (uint32_t)length};
    uint32_t *slot = slot_of(list, entry.hash, text, length);
    if (*slot != 0)
        return 0;
    if (buffer_append(list->texts, text, length) != 0 ||
        buffer_append(list->entries, &entry, sizeof entry) != 0)
        return -ENOMEM;
    *slot = (uint32_t)entry_count(list);
    return 0;
}

void dns_list_pack(struct buffer *to, const struct dns_list *list)
{
    pack_array(to, entry_count(list));
    for (size_t i = 0; i < entry_count(list); i++) {
        struct entry entry = entry_at(list, i);
        pack_text(to, list->texts->bytes + entry.at, entry.length);
    }
}
