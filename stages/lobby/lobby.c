#include "stages/lobby/lobby.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/link.h"
#include "common/wire/pack.h"

enum { TEXT_MAX = 255, WAITING = 16, ANNOUNCE_FIELDS = 4, ROSTER_FIELDS = 6, WORKERS_MAX = 10000 };

struct worker {
    uint64_t role;
    uint64_t sender;
    uint64_t epoch;
    int64_t heard_ns;
    char name[TEXT_MAX + 1];
    char data[TEXT_MAX + 1];
    char control[TEXT_MAX + 1];
    struct link *link; /* to its control inbox, once something was sent there */
};

struct lobby {
    struct worker *workers;
    uint32_t count;
    uint32_t size;
};

struct lobby *lobby_new(void)
{
    return calloc(1, sizeof(struct lobby));
}

static void copy_text(struct unpack *from, char out[TEXT_MAX + 1])
{
    struct slice text = unpack_str(from);
    if (text.length > TEXT_MAX)
        unpack_refuse(from);
    if (from->error)
        return;
    memcpy(out, text.bytes, text.length);
    out[text.length] = '\0';
}

static struct worker *find(struct lobby *lobby, uint64_t sender)
{
    for (uint32_t i = 0; i < lobby->count; i++)
        if (lobby->workers[i].sender == sender)
            return &lobby->workers[i];
    return NULL;
}

static int add(struct lobby *lobby, const struct worker *worker)
{
    if (lobby->count == WORKERS_MAX)
        return ERR_LIMIT;
    if (lobby->count == lobby->size) {
        uint32_t size = lobby->size ? 2 * lobby->size : 16;
        struct worker *grown = realloc(lobby->workers, size * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        lobby->workers = grown;
        lobby->size = size;
    }
    lobby->workers[lobby->count++] = *worker;
    log_info("%s is here", worker->name);
    return 1;
}

int lobby_announced(struct lobby *lobby, const struct message_head *head, struct unpack *body,
                    int64_t now_ns)
{
    struct worker seen = {.sender = head->sender, .epoch = head->epoch, .heard_ns = now_ns};
    unpack_array_of(body, ANNOUNCE_FIELDS);
    seen.role = unpack_uint(body);
    copy_text(body, seen.name);
    copy_text(body, seen.data);
    copy_text(body, seen.control);
    if (body->error)
        return body->error;
    struct worker *known = find(lobby, head->sender);
    if (!known)
        return add(lobby, &seen);
    known->heard_ns = now_ns;
    return 0;
}

uint32_t lobby_expire(struct lobby *lobby, int64_t now_ns)
{
    uint32_t lost = 0;
    for (uint32_t i = lobby->count; i-- > 0;) {
        struct worker *worker = &lobby->workers[i];
        if (now_ns - worker->heard_ns <= LOBBY_LOST_NS)
            continue;
        log_info("%s was not heard of and is struck out", worker->name);
        link_free(&worker->link, 0);
        *worker = lobby->workers[--lobby->count];
        lost++;
    }
    return lost;
}

void lobby_roster(const struct lobby *lobby, struct buffer *to)
{
    pack_array(to, lobby->count);
    for (uint32_t i = 0; i < lobby->count; i++) {
        const struct worker *worker = &lobby->workers[i];
        pack_array(to, ROSTER_FIELDS);
        pack_uint(to, worker->role);
        pack_uint(to, worker->sender);
        pack_uint(to, worker->epoch);
        pack_str(to, worker->name);
        pack_str(to, worker->data);
        pack_str(to, worker->control);
    }
}

void lobby_send(struct lobby *lobby, const struct bus *bus)
{
    struct message_head head = {.kind = TAPLINE_ROSTER};
    for (uint32_t i = 0; i < lobby->count; i++) {
        struct worker *worker = &lobby->workers[i];
        int error = 0;
        if (!worker->link)
            worker->link = link_new(bus, worker->control, WAITING, &error);
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
    for (uint32_t i = 0; i < (*lobby)->count; i++)
        link_free(&(*lobby)->workers[i].link, 0);
    free((*lobby)->workers);
    free(*lobby);
    *lobby = NULL;
}
