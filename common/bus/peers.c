#include "common/bus/peers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/wire/pack.h"
#include "common/wire/presence.h"

enum { CONTROL_WAITING = 1000, PEERS_MAX = 65536 };

/* A lobby that has just begun hears of everybody within this time. */
#define NEW_LOBBY_NS (INT64_C(5) * 1000000000)

/* A worker's own last word may come so long after the lobby's that it is gone. */
#define LAST_WORD_NS (INT64_C(5) * 1000000000)

/* Who is gone for so long is not expected back. */
#define KEPT_NS (INT64_C(600) * 1000000000)

struct peer {
    struct presence presence; /* before a roster has it: only its sender; that is 0: a free slot */
    uint64_t sequence;        /* of the last data message that came from it */
    uint64_t parted;          /* how many it took from here before it went; 0: it has not gone */
    int64_t seen_ns;          /* when it was last on a roster, or heard of first */
    uint64_t lobby;   /* whose roster it was last on: that one's count its admission is */
    uint64_t sent;    /* the last data message to it, once the link is closed */
    bool lost;        /* it was struck out, and is never live again in this slot */
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
    int64_t now_ns;   /* when the last roster came */
    uint32_t opened;  /* data links so far */
    uint32_t own_absences;
    uint64_t lobby;   /* whose rosters these are */
    int64_t trust_ns; /* from when on who is not on them is lost */
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
    uint32_t lost = 0;
    for (uint32_t i = 0; i < peers->count && sender; i++) {
        if (peers->list[i].presence.sender != sender)
            continue;
        if (!peers->list[i].lost)
            return i + 1;
        lost = i + 1;
    }
    return lost;
}

/* Flows are never routed to readers, so the slot of one that has ended is free again. */
static struct peer *reusable(struct peers *peers)
{
    for (uint32_t i = 0; i < peers->count; i++) {
        struct peer *peer = &peers->list[i];
        bool ended = !peer->live && !peer->listed && peer->presence.role == TAPLINE_READER;
        if (ended || !peer->presence.sender)
            return peer;
    }
    return NULL;
}

/* For who is gone nothing waits, and for what is only said on the way out nothing waits long. */
static void close_links(struct peer *peer, int linger_ms)
{
    if (peer->data)
        peer->sent = link_sequence(peer->data);
    link_free(&peer->data, peer->live ? linger_ms : 0);
    link_free(&peer->control, linger_ms < LINK_LINGER_MS ? linger_ms : LINK_LINGER_MS);
}

static struct peer *add(struct peers *peers, uint64_t sender)
{
    struct peer *peer = sender ? reusable(peers) : NULL;
    if (!sender || (!peer && peers->count == PEERS_MAX))
        return NULL;
    if (!peer && peers->count == peers->size) {
        uint32_t size = peers->size ? 2 * peers->size : 8;
        struct peer *list = realloc(peers->list, size * sizeof *list);
        if (!list)
            return NULL;
        peers->list = list;
        peers->size = size;
    }
    if (peer)
        close_links(peer, 0);
    else
        peer = &peers->list[peers->count++];
    *peer = (struct peer){.presence.sender = sender, .seen_ns = peers->now_ns};
    return peer;
}

static void strike(struct peer *peer)
{
    close_links(peer, 0);
    peer->live = peer->listed = false;
    peer->lost = true;
}

/* Enters a row of the roster into a slot; NULL: a new one. 0 or ERR_LIMIT. */
static int enter(struct peers *peers, struct peer *peer, const struct presence *seen)
{
    if (!peer)
        peer = add(peers, seen->sender);
    if (!peer)
        return ERR_LIMIT;
    peer->presence = *seen;
    peer->live = peer->listed = true;
    peer->seen_ns = peers->now_ns;
    peer->lobby = peers->lobby;
    return 0;
}

/* The same for one that was struck out and is here again. It may not know, and its messages count
 * on. */
static int enter_again(struct peers *peers, struct peer *before, struct presence seen)
{
    uint64_t sequence = before->sequence;
    if (!before->lost)
        strike(before);
    int error = enter(peers, NULL, &seen);
    if (!error)
        peers->list[peers_find(peers, seen.sender) - 1].sequence = sequence;
    return error;
}

/* Takes one row; *self becomes true where it says that this process itself was struck out. */
static int update_one(struct peers *peers, struct unpack *from, bool *self)
{
    struct presence seen;
    int error = presence_unpack(from, &seen);
    if (error)
        return error;
    uint32_t known = peers_find(peers, seen.sender);
    struct peer *peer = known ? &peers->list[known - 1] : NULL;
    bool known_here = peer && peer->lobby == peers->lobby;
    if (!peer ||
        (!peer->lost && (!known_here || peer->presence.admission == seen.admission)))
        return enter(peers, peer, &seen);
    *self |= peers->bus && seen.sender == bus_sender(peers->bus);
    return enter_again(peers, peer, seen);
}

/* This process was struck out, and so is all that was on its way from it and to it. */
static int begin_anew(struct peers *peers)
{
    int error = 0;
    peers->own_absences++;
    for (uint32_t i = peers->count; i-- > 0 && !error;) {
        struct peer *peer = &peers->list[i];
        if (peer->listed && (peer->data || peer->control))
            error = enter_again(peers, peer, peer->presence);
    }
    return error;
}

/* A worker that leaves says last how much it took from here, and the lobby that it is gone: what
 * comes first is chance. */
static bool last_word_due(const struct peer *peer, int64_t now_ns)
{
    return peer->live && peer->presence.state == TAPLINE_LEAVING && !peer->parted && peer->data &&
           link_sequence(peer->data) && now_ns - peer->seen_ns < LAST_WORD_NS;
}

/* Is this from before an absence of this process that is known? The lobby has closed the link that
 * it comes from, but the system goes on trying to deliver what was in it. */
static bool late(const struct peers *peers, const struct message_head *head, struct unpack roster)
{
    uint32_t self = peers->bus ? peers_find(peers, bus_sender(peers->bus)) : 0;
    const struct peer *known = self ? &peers->list[self - 1] : NULL;
    if (!known || known->lobby != head->sender)
        return false;
    struct presence row = {0};
    uint32_t count = unpack_array(&roster);
    for (uint32_t i = 0; i < count && row.sender != known->presence.sender; i++)
        if (presence_unpack(&roster, &row) != 0)
            return false;
    return row.sender == known->presence.sender && row.admission < known->presence.admission;
}

int peers_update(struct peers *peers, const struct message_head *head, struct unpack *roster,
                 int64_t now_ns)
{
    bool self = false;
    if (late(peers, head, *roster))
        return 0;
    if (peers->lobby != head->sender && peers->lobby)
        peers->trust_ns = now_ns + NEW_LOBBY_NS;
    peers->lobby = head->sender;
    peers->now_ns = now_ns;
    for (uint32_t i = 0; i < peers->count; i++)
        peers->list[i].listed = false;
    uint32_t count = unpack_array(roster);
    int error = roster->error;
    for (uint32_t i = 0; i < count && !error; i++)
        error = update_one(peers, roster, &self);
    if (self && !error)
        error = begin_anew(peers);
    if (error || now_ns < peers->trust_ns)
        return error;
    for (uint32_t i = 0; i < peers->count; i++) {
        struct peer *peer = &peers->list[i];
        if (peer->live && !peer->listed && !last_word_due(peer, now_ns))
            strike(peer);
    }
    return 0;
}

uint32_t peers_own_absences(const struct peers *peers)
{
    return peers->own_absences;
}

void peers_forget(struct peers *peers, int64_t before_ns)
{
    if (before_ns > peers->now_ns - KEPT_NS)
        before_ns = peers->now_ns - KEPT_NS;
    for (uint32_t i = 0; i < peers->count; i++) {
        struct peer *peer = &peers->list[i];
        if (peer->live || peer->seen_ns >= before_ns)
            continue;
        close_links(peer, 0);
        *peer = (struct peer){0};
    }
}

int peers_parted(struct peers *peers, uint64_t sender, struct unpack *body)
{
    uint32_t peer = peers_find(peers, sender);
    unpack_array_of(body, 1);
    uint64_t taken = unpack_uint(body);
    if (!body->error && peer)
        peers->list[peer - 1].parted = taken;
    return body->error;
}

static bool takes_work(const struct peer *peer, enum tapline_role role)
{
    return peer->live && peer->presence.role == role && peer->presence.state == TAPLINE_HERE &&
           !peer->parted;
}

bool peers_stays(const struct peers *peers, uint32_t peer)
{
    const struct peer *p = peer && peer <= peers->count ? &peers->list[peer - 1] : NULL;
    return p && takes_work(p, p->presence.role);
}

uint32_t peers_count(const struct peers *peers, enum tapline_role role)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < peers->count; i++)
        count += takes_work(&peers->list[i], role);
    return count;
}

uint32_t peers_choose(struct peers *peers, enum tapline_role role)
{
    for (uint32_t i = 0; i < peers->count; i++) {
        uint32_t slot = peers->turn++ % peers->count;
        if (takes_work(&peers->list[slot], role))
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
        if (takes_work(&peers->list[i], role))
            senders[count++] = peers->list[i].presence.sender;
    qsort(senders, count, sizeof *senders, by_value);
    return count;
}

bool peers_live(const struct peers *peers, uint32_t peer)
{
    return peer && peer <= peers->count && peers->list[peer - 1].live;
}

bool peers_lost(const struct peers *peers, uint32_t peer)
{
    return peer && peer <= peers->count && peers->list[peer - 1].lost;
}

bool peers_serves(const struct peers *peers, uint32_t peer, enum tapline_role role)
{
    return peers_live(peers, peer) && peers->list[peer - 1].presence.role == role;
}

bool peers_proved(const struct peers *peers, const struct message_head *head)
{
    uint32_t peer = head->proved ? peers_find(peers, head->sender) : 0;
    const char *key = peer ? peers->list[peer - 1].presence.key : "";
    return !key[0] || strcmp(key, head->proved) == 0;
}

const char *peers_name(const struct peers *peers, uint32_t peer)
{
    return peer && peer <= peers->count ? peers->list[peer - 1].presence.name : "?";
}

uint32_t peers_slots(const struct peers *peers)
{
    return peers->count;
}

enum tapline_role peers_role(const struct peers *peers, uint32_t peer)
{
    return peer && peer <= peers->count ? peers->list[peer - 1].presence.role : 0;
}

bool peers_left_in_order(const struct peers *peers, uint32_t peer)
{
    const struct peer *p = peer && peer <= peers->count ? &peers->list[peer - 1] : NULL;
    return p && p->parted && p->parted == (p->data ? link_sequence(p->data) : p->sent);
}

/* Where the inbox is a file, that is guarded by its folder, and so is what is lent. */
static bool shares_memory(const struct peers *peers, const struct presence *with)
{
    return with->realm && with->realm == bus_realm(peers->bus) &&
           strncmp(with->data, "ipc://", 6) == 0;
}

bool peers_share(const struct peers *peers, uint32_t peer)
{
    assert(peer && peer <= peers->count);
    return shares_memory(peers, &peers->list[peer - 1].presence);
}

struct link *peers_data(struct peers *peers, uint32_t peer)
{
    assert(peer && peer <= peers->count);
    struct peer *p = &peers->list[peer - 1];
    int error;
    if (p->data || p->lost || !p->presence.data[0])
        return p->data;
    p->data = link_new_data(peers->bus, p->presence.data, p->presence.key, peers->waiting,
                            ++peers->opened, &error);
    if (p->data && shares_memory(peers, &p->presence))
        link_lend(p->data);
    return p->data;
}

void peers_settle(struct peers *peers)
{
    for (uint32_t i = 0; i < peers->count; i++)
        if (peers->list[i].data)
            link_settle(peers->list[i].data);
}

struct link *peers_control(struct peers *peers, uint32_t peer)
{
    assert(peer && peer <= peers->count);
    struct peer *p = &peers->list[peer - 1];
    int error;
    if (!p->control && !p->lost && p->presence.control[0])
        p->control = link_new(peers->bus, p->presence.control, p->presence.key, CONTROL_WAITING,
                              &error);
    return p->control;
}

enum peers_sequence peers_sequence(struct peers *peers, const struct message_head *head)
{
    uint32_t known = peers_find(peers, head->sender);
    struct peer *peer = known ? &peers->list[known - 1] : add(peers, head->sender);
    if (!peer)
        return SEQUENCE_GAP;
    uint64_t before = peer->sequence, link = head->sequence >> LINK_NUMBER_SHIFT;
    if (link < before >> LINK_NUMBER_SHIFT)
        return SEQUENCE_LATE;
    peer->sequence = head->sequence;
    bool first = head->sequence == (link << LINK_NUMBER_SHIFT) + 1;
    if (head->sequence == before + 1 || (first && link > before >> LINK_NUMBER_SHIFT))
        return SEQUENCE_NEXT;
    return before && peer->presence.role ? SEQUENCE_GAP : SEQUENCE_UNKNOWN;
}

void peers_part(struct peers *peers)
{
    for (uint32_t i = 0; i < peers->count; i++) {
        struct peer *peer = &peers->list[i];
        struct link *link = peer->sequence && peer->live ? peers_control(peers, i + 1) : NULL;
        if (!link || link_flush(link, 0) != 0)
            continue;
        const struct message_head head = {.kind = TAPLINE_PARTED};
        struct buffer message = {0};
        message_open(&message);
        pack_array(&message, 1);
        pack_uint(&message, peer->sequence);
        link_send(link, &head, &message, 0);
        buffer_free(&message);
    }
}

void peers_free(struct peers **peers, int linger_ms)
{
    if (!*peers)
        return;
    for (uint32_t i = 0; i < (*peers)->count; i++)
        close_links(&(*peers)->list[i], linger_ms);
    free((*peers)->list);
    free(*peers);
    *peers = NULL;
}
