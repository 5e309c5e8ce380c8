#define XXH_INLINE_ALL
#include "stages/tracker/flow_table.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/cache.h"
#include "common/base/table.h"
#include "stages/tracker/slab.h"

enum { FEWEST_ENTRIES = 1024 };

enum { SECRET_HIGH, SECRET_LOW, SECRET_PORT, SECRET_TRANSPORT, SECRETS };

__extension__ typedef unsigned __int128 product_t;

/* One place of the index: a flow's hash and its slot, counted from 1. Slot 0: an empty place. */
struct entry {
    uint32_t hash;
    uint32_t slot;
};

/* Open addressing over the slab. Removal moves entries back, so that no tombstones pile up. */
struct index {
    struct entry *entries;
    uint32_t mask;
    uint32_t count;
};

/* Flows of UDP, which are smaller, and of TCP (struct tcp_flow) lie apart: the last bit of a slot's
 * number says in which slab it is, the others where. */
enum { KIND_UDP, KIND_TCP, KINDS };

struct flow_table {
    struct index by_key;
    struct table by_id;
    struct slab slabs[KINDS];
    int64_t *dues; /* by slot; INT64_MAX where that is free */
    uint32_t dues_size;
    uint64_t secrets[SECRETS]; /* nobody can choose who collides without them */
};

/* ---- indexes --------------------------------------------------------------------------------- */

static int index_init(struct index *index, uint32_t size)
{
    index->entries = calloc(size, sizeof *index->entries);
    index->mask = size - 1;
    index->count = 0;
    return index->entries ? 0 : -1;
}

static void index_put(struct index *index, uint32_t hash, uint32_t slot)
{
    uint32_t at = hash & index->mask;
    while (index->entries[at].slot)
        at = (at + 1) & index->mask;
    index->entries[at] = (struct entry){.hash = hash, .slot = slot + 1};
    index->count++;
}

/* Makes sure that one more entry fits, with a third of the places left empty. */
static int index_make_room(struct index *index)
{
    uint32_t size = index->mask + 1;
    if (index->count + 1 <= size / 3 * 2)
        return 0;
    struct index grown;
    if (size > UINT32_MAX / 2 || index_init(&grown, size * 2) != 0)
        return -1;
    for (uint32_t i = 0; i < size; i++)
        if (index->entries[i].slot)
            index_put(&grown, index->entries[i].hash, index->entries[i].slot - 1);
    free(index->entries);
    *index = grown;
    return 0;
}

static void index_take(struct index *index, uint32_t hash, uint32_t slot)
{
    uint32_t hole = hash & index->mask;
    while (index->entries[hole].slot != slot + 1)
        hole = (hole + 1) & index->mask;
    /* An entry behind may fill the hole unless its own place lies between the two. */
    for (uint32_t at = (hole + 1) & index->mask; index->entries[at].slot;
         at = (at + 1) & index->mask) {
        uint32_t home = index->entries[at].hash & index->mask;
        if (((at - home) & index->mask) < ((at - hole) & index->mask))
            continue;
        index->entries[hole] = index->entries[at];
        hole = at;
    }
    index->entries[hole] = (struct entry){0};
    index->count--;
}

static void index_expect(const struct index *index, uint32_t hash)
{
    __builtin_prefetch(&index->entries[hash & index->mask]);
}

/* ---- the table ------------------------------------------------------------------------------- */

static struct flow *flow_at(const struct flow_table *table, uint32_t slot)
{
    return slab_at(&table->slabs[slot % KINDS], slot / KINDS);
}

static uint8_t kind_of(uint8_t transport)
{
    return transport == TRANSPORT_TCP ? KIND_TCP : KIND_UDP;
}

struct flow_table *flow_table_new(uint64_t seed)
{
    struct flow_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->slabs[KIND_UDP].object_size = sizeof(struct flow);
    table->slabs[KIND_TCP].object_size = sizeof(struct tcp_flow);
    for (uint64_t i = 0; i < SECRETS; i++)
        table->secrets[i] = XXH3_64bits_withSeed(&i, sizeof i, seed) | 1;
    if (index_init(&table->by_key, FEWEST_ENTRIES) != 0)
        flow_table_free(&table);
    return table;
}

static void flow_release(struct flow *flow)
{
    for (int d = 0; d < DIRECTIONS && flow->figures.transport == TRANSPORT_TCP; d++)
        stream_clear(&flow_tcp(flow)->side[d].stream);
}

void flow_table_free(struct flow_table **table)
{
    struct flow_table *t = *table;
    if (!t)
        return;
    for (uint32_t slot = 0; slot < flow_table_slots(t); slot++)
        if (flow_table_slot(t, slot))
            flow_release(flow_at(t, slot));
    for (int kind = 0; kind < KINDS; kind++)
        slab_free(&t->slabs[kind]);
    free(t->dues);
    free(t->by_key.entries);
    table_free(&t->by_id, NULL);
    free(t);
    *table = NULL;
}

/* Both halves of a product, as XXH3 takes them: one multiplication mixes two words. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    product_t product = (product_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_endpoint(const uint64_t *secrets, const struct address *address, uint16_t port)
{
    return fold(address_half(address, 0) ^ secrets[SECRET_HIGH],
                (address_half(address, 1) ^ secrets[SECRET_LOW]) + port * secrets[SECRET_PORT]);
}

/* A sum is the same whoever comes first. */
uint32_t flow_table_hash(const struct flow_table *table, const struct packet *p)
{
    const uint64_t *secrets = table->secrets;
    return (uint32_t)(hash_endpoint(secrets, &p->source, p->source_port) +
                      hash_endpoint(secrets, &p->destination, p->destination_port) +
                      p->protocol * secrets[SECRET_TRANSPORT]);
}

static bool endpoint_is(const struct figures *f, int side, const struct address *address,
                        uint16_t port)
{
    return f->port[side] == port && address_equal(&f->address[side], address);
}

/* Whether the packet is of that flow, and which way it goes. */
static bool is_of(const struct flow *flow, const struct packet *p, int *direction)
{
    const struct figures *f = &flow->figures;
    if (f->transport != p->protocol)
        return false;
    for (int d = 0; d < DIRECTIONS; d++)
        if (endpoint_is(f, d, &p->source, p->source_port) &&
            endpoint_is(f, !d, &p->destination, p->destination_port)) {
            *direction = d;
            return true;
        }
    return false;
}

void flow_table_expect(const struct flow_table *table, uint32_t hash)
{
    index_expect(&table->by_key, hash);
}

struct flow *flow_table_fetch(const struct flow_table *table, uint32_t hash)
{
    const struct index *index = &table->by_key;
    uint32_t at = hash & index->mask;
    while (index->entries[at].slot && index->entries[at].hash != hash)
        at = (at + 1) & index->mask;
    if (!index->entries[at].slot)
        return NULL;
    uint32_t slot = index->entries[at].slot - 1;
    struct flow *flow = flow_at(table, slot);
    cache_fetch(flow, table->slabs[slot % KINDS].object_size);
    return flow;
}

struct flow *flow_table_find(const struct flow_table *table, uint32_t hash,
                             const struct packet *packet, struct flow *likely, int *direction)
{
    /* It may have ended since, and its slot be free or another's. */
    if (likely && likely->id && is_of(likely, packet, direction))
        return likely;
    const struct index *index = &table->by_key;
    for (uint32_t at = hash & index->mask; index->entries[at].slot; at = (at + 1) & index->mask) {
        if (index->entries[at].hash != hash)
            continue;
        struct flow *flow = flow_at(table, index->entries[at].slot - 1);
        if (is_of(flow, packet, direction))
            return flow;
    }
    return NULL;
}

struct flow *flow_table_by_id(const struct flow_table *table, uint64_t id)
{
    return table_find(&table->by_id, id);
}

/* For whatever slot may be taken next. */
static int dues_make_room(struct flow_table *table)
{
    if (flow_table_slots(table) + KINDS <= table->dues_size)
        return 0;
    size_t size = table->dues_size ? 2 * (size_t)table->dues_size : FEWEST_ENTRIES;
    int64_t *dues = size <= UINT32_MAX ? realloc(table->dues, size * sizeof *dues) : NULL;
    if (!dues)
        return -1;
    for (size_t slot = table->dues_size; slot < size; slot++)
        dues[slot] = INT64_MAX;
    table->dues = dues;
    table->dues_size = (uint32_t)size;
    return 0;
}

struct flow *flow_table_add(struct flow_table *table, uint32_t hash, const struct packet *packet,
                            bool initiator, uint64_t id)
{
    if (index_make_room(&table->by_key) != 0 || dues_make_room(table) != 0)
        return NULL;
    uint8_t kind = kind_of(packet->protocol);
    uint32_t place;
    struct flow *flow = slab_take(&table->slabs[kind], &place);
    if (!flow)
        return NULL;
    if (table_add(&table->by_id, id, flow) != 0) {
        slab_release(&table->slabs[kind], place);
        return NULL;
    }
    int source = initiator ? FROM_INITIATOR : FROM_RESPONDER;
    memset(flow, 0, table->slabs[kind].object_size);
    flow->id = id;
    flow->slot = place * KINDS + kind;
    flow->hash = hash;
    flow_table_set_due(table, flow, INT64_MAX);
    flow->figures.transport = packet->protocol;
    flow->figures.address[source] = packet->source;
    flow->figures.address[!source] = packet->destination;
    flow->figures.port[source] = packet->source_port;
    flow->figures.port[!source] = packet->destination_port;
    index_put(&table->by_key, hash, flow->slot);
    table_prefetch(&table->by_id, id + CACHE_LINE / sizeof(struct table_slot));
    return flow;
}

void flow_table_remove(struct flow_table *table, struct flow *flow)
{
    index_take(&table->by_key, flow->hash, flow->slot);
    table_take(&table->by_id, flow->id);
    flow_release(flow);
    flow_table_set_due(table, flow, INT64_MAX);
    flow->id = 0;
    slab_release(&table->slabs[flow->slot % KINDS], flow->slot / KINDS);
}

uint32_t flow_table_count(const struct flow_table *table)
{
    return table->by_key.count;
}

uint32_t flow_table_slots(const struct flow_table *table)
{
    uint32_t udp = table->slabs[KIND_UDP].slots, tcp = table->slabs[KIND_TCP].slots;
    return (udp > tcp ? udp : tcp) * KINDS;
}

struct flow *flow_table_slot(const struct flow_table *table, uint32_t slot)
{
    bool taken_once = slot / KINDS < table->slabs[slot % KINDS].slots;
    struct flow *flow = taken_once ? flow_at(table, slot) : NULL;
    return flow && flow->id ? flow : NULL;
}

void flow_table_set_due(struct flow_table *table, struct flow *flow, int64_t due)
{
    table->dues[flow->slot] = flow->due = due;
}

struct flow *flow_table_due(const struct flow_table *table, uint32_t slot, int64_t now)
{
    return now > table->dues[slot] ? flow_at(table, slot) : NULL;
}
