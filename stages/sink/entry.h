/*
 * What is sorted: a key of bytes that compare like memcmp, and a value that goes with it.
 */
#ifndef TAPLINE_SINK_ENTRY_H
#define TAPLINE_SINK_ENTRY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/big_endian.h"

/** Borrowed bytes. A key that is another one's beginning comes before it. */
struct entry {
    const uint8_t *key;
    const uint8_t *value;
    uint32_t key_length;
    uint32_t value_length;
};

/** Where an entry is stored, both lengths (in the machine's own order) stand before its bytes. */
enum { ENTRY_HEAD = 2 * sizeof(uint32_t) };

static inline size_t entry_size(const struct entry *e)
{
    return ENTRY_HEAD + (size_t)e->key_length + e->value_length;
}

/** Writes the head; the key and then the value belong behind it. */
static inline void entry_store_head(const struct entry *e, uint8_t to[ENTRY_HEAD])
{
    memcpy(to, &e->key_length, sizeof e->key_length);
    memcpy(to + sizeof e->key_length, &e->value_length, sizeof e->value_length);
}

/** Reads a stored head, and points key and value behind it. */
static inline struct entry entry_at(const uint8_t *stored)
{
    struct entry e;
    memcpy(&e.key_length, stored, sizeof e.key_length);
    memcpy(&e.value_length, stored + sizeof e.key_length, sizeof e.value_length);
    e.key = stored + ENTRY_HEAD;
    e.value = e.key + e.key_length;
    return e;
}

/** The key's first eight bytes as a number, which decides most comparisons. */
static inline uint64_t entry_prefix(const struct entry *e)
{
    uint64_t prefix = 0;
    if (e->key_length >= sizeof prefix)
        return big_endian_64(e->key);
    for (size_t i = 0; i < sizeof prefix; i++)
        prefix = prefix << 8 | (i < e->key_length ? e->key[i] : 0);
    return prefix;
}

/** Orders by key: <0, 0, >0. */
static inline int entry_compare(const struct entry *a, const struct entry *b)
{
    uint32_t shorter = a->key_length < b->key_length ? a->key_length : b->key_length;
    int order = memcmp(a->key, b->key, shorter);
    return order ? order : (a->key_length > b->key_length) - (a->key_length < b->key_length);
}

#endif
