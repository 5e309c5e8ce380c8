#include "common/bus/peers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "common/wire/presence.h"

enum { CONTROL_WAITING = 1000 };

struct peer {
    struct presence presence; /* until the roster has it, only its sender is known */
    uint64_t sequence;        /* of the last data message that came from it */
    bool live;
    bool listed; /* on the roster that is being read */
    struct link *data;
    struct link *control;
};

struct peers {
    const struct bus *bus;
    int waiting;
    struct peer *list;
    uint32_t count;
    uint32_t size;
    uint32_t turn; /* where the next choice starts looking */
    uint32_t lost;
    uint32_t last_lost; /* slot */
};

struct peers *peers_new(const struct bus *bus, int waiting)
{
    struct peers *peers = calloc(1, sizeof *peers);
    if (peers) {
        peers->bus = bus;
        peers->waiting = waiting;
    }
    return peers;
}

uint32_t peers_find(const struct peers *peers, uint64_t sender)
{
    for (uint32_t i = 0; i < peers->count; i++)
        if (peers->list[i].presence.sender == sender)
            return i + 1;
    return 0;
}

/* The place of a reader that is gone: one comes for every capture, and no flow remembers it. */
static struct peer *reclaim(struct peers *peers)
{
    for (uint32_t i = 0; i < peers->count; i++) {
        struct peer *peer = &peers->list[i];
        if (peer->live || peer->listed || peer->presence.role != TAPLINE_READER)
            continue;
        link_free(&peer->data, false);
        link_free(&peer->control, false);
        return peer;
    }
    return NULL;
}

static struct peer *add(struct peers *peers, uint64_t sender)
{
    struct peer *peer = reclaim(peers);
    if (!peer && peers->count == peers->size) {
        uint32_t size = peers->size ? 2 * peers->size : 8;
        struct peer *list = realloc(peers->list, size * sizeof *list);
        if (!list)
            return NULL;
        peers->list = list;
        peers->size = size;
    }
    if (!peer)
        peer = &peers->list[peers->count++];
    *peer = (struct peer){.presence.sender = sender};
    return peer;
}

static int update_one(struct peers *peers, struct unpack *from)
{
    struct presence seen;
    int error = presence_unpack(from, &seen);
    if (error)
        return error;
    uint32_t known = peers_find(peers, seen.sender);
    struct peer *peer = known ? &peers->list[known - 1] : add(peers, seen.sender);
    if (!peer)
        return -ENOMEM;
    peer->presence = seen;
    peer->live = peer->listed = true;
    return 0;
}

static bool works(enum tapline_role role)
{
    return role >= TAPLINE_TRACKER && role <= TAPLINE_SINK;
}

int peers_update(struct peers *peers, struct unpack *roster)
{
    for (uint32_t i = 0; i < peers->count; i++)
        peers->list[i].listed = false;
    uint32_t count = unpack_array(roster);
    int error = roster->error;
    for (uint32_t i = 0; i < count && !error; i++)
        error = update_one(peers, roster);
    if (error)
        return error;
    for (uint32_t i = 0; i < peers->count; i++) {
        struct peer *peer = &peers->list[i];
        if (peer->live && !peer->listed && works(peer->presence.role)) {
            peers->lost++;
            peers->last_lost = i;
        }
        peer->live = peer->listed;
    }
    return 0;
}

uint32_t peers_count(const struct peers *peers, enum tapline_role role)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < peers->count; i++)
        count += peers->list[i].live && peers->list[i].presence.role == role;
    return count;
}

uint32_t peers_choose(struct peers *peers, enum tapline_role role)
{
    for (uint32_t i = 0; i < peers->count; i++) {
        uint32_t slot = peers->turn++ % peers->count;
        if (peers->list[slot].live && peers->list[slot].presence.role == role)
            return slot + 1;
    }
    return 0;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint32_t peers_senders(const struct peers *peers, enum tapline_role role, uint64_t *senders,
                       uint32_t room)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < peers->count && count < room; i++)
        if (peers->list[i].live && peers->list[i].presence.role == role)
            senders[count++] = peers->list[i].presence.sender;
    qsort(senders, count, sizeof *senders, by_value);
    return count;
}

bool peers_live(const struct peers *peers, uint32_t peer)
{
    return peer && peer <= peers->count && peers->list[peer - 1].live;
}

bool peers_serves(const struct peers *peers, uint32_t peer, enum tapline_role role)
{
    return peers_live(peers, peer) && peers->list[peer - 1].presence.role == role;
}

const char *peers_name(const struct peers *peers, uint32_t peer)
{
    return peer && peer <= peers->count ? peers->list[peer - 1].presence.name : "?";
}

uint32_t peers_lost(const struct peers *peers, const char **last)
{
    *last = peers->lost ? peers->list[peers->last_lost].presence.name : "";
    return peers->lost;
}

static struct link *connected(struct peers *peers, struct link **link, const char *endpoint,
                              int waiting)
{
    int error;
    if (!*link && endpoint[0])
        *link = link_new(peers->bus, endpoint, waiting, &error);
    return *link;
}

struct link *peers_data(struct peers *peers, uint32_t peer)
{
    assert(peer && peer <= peers->count);
    struct peer *p = &peers->list[peer - 1];
    return connected(peers, &p->data, p->presence.data, peers->waiting);
}

struct link *peers_control(struct peers *peers, uint32_t peer)
{
    assert(peer && peer <= peers->count);
    struct peer *p = &peers->list[peer - 1];
    return connected(peers, &p->control, p->presence.control, CONTROL_WAITING);
}

bool peers_in_sequence(struct peers *peers, const struct message_head *head)
{
    uint32_t known = peers_find(peers, head->sender);
    struct peer *peer = known ? &peers->list[known - 1] : add(peers, head->sender);
    if (!peer)
        return false;
    bool next = head->sequence == peer->sequence + 1;
    peer->sequence = head->sequence;
    return next;
}

void peers_free(struct peers **peers, bool deliver)
{
    if (!*peers)
        return;
    for (uint32_t i = 0; i < (*peers)->count; i++) {
        link_free(&(*peers)->list[i].data, deliver);
        link_free(&(*peers)->list[i].control, deliver);
    }
    free((*peers)->list);
    free(*peers);
    *peers = NULL;
}
