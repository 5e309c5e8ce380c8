#include "stages/lobby/lobby.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/link.h"
#include "common/wire/pack.h"
#include "common/wire/presence.h"

enum { WAITING = 16, WORKERS_MAX = 10000, FIGURES_MAX = 64 * 1024 };

struct worker {
    struct presence presence;
    int64_t heard_ns;
    struct buffer figures; /* the map that it announced last */
    struct link *link;     /* to its control inbox, once something was sent there */
};

struct lobby {
    int64_t patience_ns;
    struct worker *workers;
    uint32_t count;
    uint32_t size;
    uint64_t admissions; /* how many have been let in so far */
    int64_t looked_ns;   /* when it last looked who is silent; 0: never */
};

struct lobby *lobby_new(int64_t patience_ns)
{
    struct lobby *lobby = calloc(1, sizeof *lobby);
    if (lobby)
        lobby->patience_ns = patience_ns;
    return lobby;
}

static struct worker *find(struct lobby *lobby, uint64_t sender)
{
    for (uint32_t i = 0; i < lobby->count; i++)
        if (lobby->workers[i].presence.sender == sender)
            return &lobby->workers[i];
    return NULL;
}

static struct worker *namesake(struct lobby *lobby, const struct presence *seen)
{
    for (uint32_t i = 0; i < lobby->count; i++)
        if (lobby->workers[i].presence.role == seen->role &&
            strcmp(lobby->workers[i].presence.name, seen->name) == 0)
            return &lobby->workers[i];
    return NULL;
}

static void strike(struct lobby *lobby, struct worker *worker, const char *why)
{
    log_info("%s %s", worker->presence.name, why);
    link_free(&worker->link, 0);
    buffer_free(&worker->figures);
    *worker = lobby->workers[--lobby->count];
}

/* A new line of the table; NULL, with *error set. */
static struct worker *add(struct lobby *lobby, const struct presence *seen, int *error)
{
    *error = lobby->count < WORKERS_MAX ? -ENOMEM : ERR_LIMIT;
    if (lobby->count == WORKERS_MAX)
        return NULL;
    if (lobby->count == lobby->size) {
        uint32_t size = lobby->size ? 2 * lobby->size : 16;
        struct worker *grown = realloc(lobby->workers, size * sizeof *grown);
        if (!grown)
            return NULL;
        lobby->workers = grown;
        lobby->size = size;
    }
    struct worker *worker = &lobby->workers[lobby->count++];
    *worker = (struct worker){.presence = *seen};
    worker->presence.admission = ++lobby->admissions;
    log_info("%s is here", seen->name);
    return worker;
}

/* Whoever is not on the roster: a newcomer, or one that had been struck out. */
static int admit(struct lobby *lobby, const struct presence *seen, struct worker **worker)
{
    int error;
    struct worker *other = namesake(lobby, seen);
    if (seen->state == TAPLINE_GONE || (other && other->presence.epoch > seen->epoch))
        return 0;
    if (other)
        strike(lobby, other, "gives place to a later one of its name");
    *worker = add(lobby, seen, &error);
    return *worker ? 1 : error;
}

int lobby_announced(struct lobby *lobby, const struct message_head *head, struct unpack *body,
                    int64_t now_ns)
{
    struct presence seen = {.sender = head->sender, .epoch = head->epoch};
    struct slice figures;
    int error = presence_unpack_announcement(body, &seen, &figures);
    if (!error && head->proved && strcmp(head->proved, seen.key) != 0) {
        log_warning("%s announces a key that it has not proved, and is not listed", seen.name);
        error = ERR_MALFORMED;
    }
    if (error)
        return error;
    int changed = 0;
    struct worker *worker = find(lobby, head->sender);
    if (!worker)
        changed = admit(lobby, &seen, &worker);
    if (!worker)
        return changed;
    if (seen.state == TAPLINE_GONE) {
        strike(lobby, worker, "is gone");
        return 1;
    }
    changed |= worker->presence.state != seen.state;
    worker->presence.state = seen.state;
    worker->heard_ns = now_ns;
    if (figures.length <= FIGURES_MAX) {
        buffer_clear(&worker->figures);
        buffer_append(&worker->figures, figures.bytes, figures.length);
    }
    return changed;
}

/* Nobody was heard while the lobby itself slept. */
static void forgive(struct lobby *lobby, int64_t now_ns)
{
    int64_t slept_ns = lobby->looked_ns ? now_ns - lobby->looked_ns : 0;
    for (uint32_t i = 0; i < lobby->count && slept_ns > lobby->patience_ns / 2; i++)
        lobby->workers[i].heard_ns += slept_ns;
    lobby->looked_ns = now_ns;
}

uint32_t lobby_expire(struct lobby *lobby, int64_t now_ns)
{
    uint32_t lost = 0;
    forgive(lobby, now_ns);
    for (uint32_t i = lobby->count; i-- > 0;) {
        struct worker *worker = &lobby->workers[i];
        if (now_ns - worker->heard_ns <= lobby->patience_ns)
            continue;
        strike(lobby, worker, "was not heard of and is struck out");
        lost++;
    }
    return lost;
}

void lobby_roster(const struct lobby *lobby, struct buffer *to)
{
    pack_array(to, lobby->count);
    for (uint32_t i = 0; i < lobby->count; i++)
        presence_pack(to, &lobby->workers[i].presence);
}

void lobby_status(const struct lobby *lobby, int64_t now_ns, struct buffer *to)
{
    pack_array(to, lobby->count);
    for (uint32_t i = 0; i < lobby->count; i++) {
        const struct worker *worker = &lobby->workers[i];
        pack_array(to, 3);
        presence_pack(to, &worker->presence);
        pack_int(to, now_ns - worker->heard_ns);
        if (worker->figures.length)
            buffer_append(to, worker->figures.bytes, worker->figures.length);
        else
            pack_map(to, 0);
    }
}

void lobby_send(struct lobby *lobby, const struct bus *bus)
{
    struct message_head head = {.kind = TAPLINE_ROSTER};
    for (uint32_t i = 0; i < lobby->count; i++) {
        struct worker *worker = &lobby->workers[i];
        int error = 0;
        /* One that the worker has refused would stay refused. */
        if (worker->link && worker->presence.state == TAPLINE_COMING &&
            link_flush(worker->link, 0) != 0)
            link_free(&worker->link, 0);
        if (!worker->link)
            worker->link = link_new(bus, worker->presence.control, worker->presence.key,
                                    WAITING, &error);
        if (!worker->link || link_flush(worker->link, 0) != 0)
            continue;
        struct buffer message = {0};
        message_open(&message);
        lobby_roster(lobby, &message);
        link_send(worker->link, &head, &message, 0);
        buffer_free(&message);
    }
}

void lobby_free(struct lobby **lobby)
{
    if (!*lobby)
        return;
    for (uint32_t i = 0; i < (*lobby)->count; i++) {
        link_free(&(*lobby)->workers[i].link, 0);
        buffer_free(&(*lobby)->workers[i].figures);
    }
    free((*lobby)->workers);
    free(*lobby);
    *lobby = NULL;
}
