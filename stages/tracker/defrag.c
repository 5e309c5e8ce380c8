#define XXH_INLINE_ALL
#include "stages/tracker/defrag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/net/decode.h"
#include "stages/tracker/fragments.h"
#include "stages/tracker/moment.h"

enum {
    UNIT = 8,        /* fragments begin at multiples of so many bytes, and */
    LONGEST = 65535, /* no datagram is longer */
    FEWEST_BUCKETS = 256,
};
#define LIFETIME_NS MOMENT_SECONDS(30)

/* What fragments of one datagram have in common. */
struct datagram_key {
    struct address source, destination;
    uint32_t id;
    uint8_t protocol; /* IPv4 only: IPv6 counts its ids for all protocols */
};

struct datagram {
    struct datagram *chain;           /* the next in its bucket */
    struct datagram *older, *younger; /* in the order of their first fragments */
    struct datagram_key key;
    uint32_t hash;
    int64_t time_ns;    /* its first fragment's time, and */
    int64_t started_ns; /* the later of that and the capture's clock then */
    uint32_t length;    /* of the whole; 0: its last fragment did not come yet */
    uint32_t reach;     /* the farthest end of a fragment so far */
    uint8_t next;       /* protocol of what it carries, as the first fragment says */
    bool refused;       /* over the limit: the rest of it is to be ignored */
    struct fragments fragments;
};

struct defrag {
    struct datagram **buckets;
    uint32_t mask;
    uint32_t count;
    struct datagram *oldest, *youngest;
    uint8_t *whole; /* the one given out last: freed with the next call */
    uint64_t seed;
    uint64_t limit;
};

struct defrag *defrag_new(uint64_t seed, uint64_t limit)
{
    struct defrag *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->seed = seed;
    d->limit = limit;
    d->mask = FEWEST_BUCKETS - 1;
    d->buckets = calloc(FEWEST_BUCKETS, sizeof(struct datagram *));
    if (!d->buckets)
        defrag_free(&d);
    return d;
}

static void datagram_free(struct datagram *g)
{
    fragments_free(&g->fragments);
    free(g);
}

void defrag_free(struct defrag **defrag)
{
    struct defrag *d = *defrag;
    if (!d)
        return;
    for (struct datagram *g = d->oldest, *next; g; g = next) {
        next = g->younger;
        datagram_free(g);
    }
    free(d->whole);
    free(d->buckets);
    free(d);
    *defrag = NULL;
}

/* ---- the datagrams in progress --------------------------------------------------------------- */

static void grow(struct defrag *d)
{
    uint32_t size = (d->mask + 1) * 4;
    struct datagram **buckets = calloc(size, sizeof(struct datagram *));
    if (!buckets)
        return; /* longer chains, no more */
    for (struct datagram *g = d->oldest; g; g = g->younger) {
        struct datagram **bucket = &buckets[g->hash & (size - 1)];
        g->chain = *bucket;
        *bucket = g;
    }
    free(d->buckets);
    d->buckets = buckets;
    d->mask = size - 1;
}

static void unlink_datagram(struct defrag *d, struct datagram *g)
{
    struct datagram **link = &d->buckets[g->hash & d->mask];
    while (*link != g)
        link = &(*link)->chain;
    *link = g->chain;
    *(g->older ? &g->older->younger : &d->oldest) = g->younger;
    *(g->younger ? &g->younger->older : &d->youngest) = g->older;
    d->count--;
}

static void drop(struct defrag *d, struct datagram *g, struct counters *counters)
{
    if (!g->refused)
        counters->datagrams_incomplete++;
    unlink_datagram(d, g);
    datagram_free(g);
}

static struct datagram_key key_of(const struct packet *p)
{
    struct datagram_key key;
    memset(&key, 0, sizeof key); /* it is hashed and compared as bytes */
    key.source = p->source;
    key.destination = p->destination;
    key.id = p->fragment_id;
    key.protocol = p->version == 4 ? p->protocol : 0;
    return key;
}

static struct datagram *start(struct defrag *d, const struct datagram_key *key, uint32_t hash,
                              int64_t time_ns, int64_t clock_ns)
{
    if (d->count > d->mask)
        grow(d);
    struct datagram *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->key = *key;
    g->hash = hash;
    g->time_ns = time_ns;
    g->started_ns = moment_later(time_ns, clock_ns);
    g->chain = d->buckets[hash & d->mask];
    d->buckets[hash & d->mask] = g;
    g->older = d->youngest;
    *(d->youngest ? &d->youngest->younger : &d->oldest) = g;
    d->youngest = g;
    d->count++;
    return g;
}

static bool expired(const struct datagram *g, int64_t clock_ns)
{
    return moment_since(clock_ns, g->started_ns) > LIFETIME_NS;
}

/* The datagram that the fragment is of: one that waits, or a new one. NULL: no memory. */
static struct datagram *find(struct defrag *d, const struct packet *p, int64_t time_ns,
                             int64_t clock_ns, struct counters *counters)
{
    struct datagram_key key = key_of(p);
    uint32_t hash = (uint32_t)XXH3_64bits_withSeed(&key, sizeof key, d->seed);
    struct datagram *g = d->buckets[hash & d->mask];
    while (g && (g->hash != hash || memcmp(&g->key, &key, sizeof key) != 0))
        g = g->chain;
    if (g && (expired(g, clock_ns) || moment_since(time_ns, g->time_ns) > LIFETIME_NS)) {
        drop(d, g, counters);
        g = NULL;
    }
    return g ? g : start(d, &key, hash, time_ns, clock_ns);
}

/* ---- one datagram ---------------------------------------------------------------------------- */

/* Only the last fragment may end within a unit. */
static bool well_formed(const struct packet *p)
{
    uint32_t length = p->body.length;
    return length > 0 && length <= LONGEST && p->fragment_offset + length <= LONGEST &&
           (!p->more || length % UNIT == 0);
}

/* The last fragment says how long the whole is; the others must agree. */
static bool agrees(const struct datagram *g, const struct packet *p)
{
    uint32_t end = p->fragment_offset + p->body.length;
    if (p->more)
        return g->length == 0 || end <= g->length;
    return g->length == 0 ? end >= g->reach : end == g->length;
}

/* Keeps what the fragment brings and says. */
static int lay_down(struct datagram *g, const struct packet *p)
{
    if (p->fragment_offset == 0)
        g->next = p->fragment_next;
    uint32_t end = p->fragment_offset + p->body.length;
    if (end > g->reach)
        g->reach = end;
    if (!p->more)
        g->length = end;
    return fragments_add(&g->fragments, p->fragment_offset, &p->body);
}

static void refuse(struct datagram *g, struct counters *counters)
{
    counters->datagrams_over_limit++;
    g->refused = true;
    fragments_free(&g->fragments);
}

/* The packet becomes the whole datagram, which is done with. */
static int restore(struct defrag *d, struct datagram *g, struct packet *packet)
{
    struct extent body = {.length = g->length};
    d->whole = fragments_join(&g->fragments, g->length, &body.captured);
    if (!d->whole)
        return -ENOMEM;
    body.bytes = d->whole;
    packet_restore(packet, body, g->next);
    unlink_datagram(d, g);
    datagram_free(g);
    return DEFRAG_WHOLE;
}

/* ---- the interface --------------------------------------------------------------------------- */

int defrag_add(struct defrag *defrag, struct packet *packet, int64_t time_ns, int64_t clock_ns,
               struct counters *counters)
{
    free(defrag->whole);
    defrag->whole = NULL;
    if (!well_formed(packet)) {
        counters->fragments_malformed++;
        return DEFRAG_WAITS;
    }
    struct datagram *g = find(defrag, packet, time_ns, clock_ns, counters);
    if (!g)
        return -ENOMEM;
    if (g->refused)
        return DEFRAG_WAITS;
    if (!agrees(g, packet)) {
        counters->fragments_malformed++;
        return DEFRAG_WAITS;
    }
    uint32_t end = packet->fragment_offset + packet->body.length;
    if (end > defrag->limit) {
        refuse(g, counters);
        return DEFRAG_WAITS;
    }
    if (lay_down(g, packet) != 0)
        return -ENOMEM;
    if (g->length == 0 || g->fragments.came < g->length)
        return DEFRAG_WAITS;
    counters->datagrams_restored++;
    return restore(defrag, g, packet);
}

void defrag_expire(struct defrag *defrag, int64_t clock_ns, struct counters *counters)
{
    while (defrag->oldest && expired(defrag->oldest, clock_ns))
        drop(defrag, defrag->oldest, counters);
}

void defrag_end(struct defrag *defrag, struct counters *counters)
{
    while (defrag->oldest)
        drop(defrag, defrag->oldest, counters);
}
