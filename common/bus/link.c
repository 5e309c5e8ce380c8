#include "common/bus/link.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/lending.h"

enum { RECONNECT_MS = 5, RECONNECT_MAX_MS = 500 };

struct link {
    const struct bus *bus;
    void *socket;
    uint64_t sequence;
    int waiting;       /* its high-water mark */
    int wait_ms;       /* the socket's send timeout as it is set now */
    bool held;         /* a message waits for room: */
    zmq_msg_t message; /* this one, */
    size_t size;       /* of so many bytes, */
    bool lent;         /* which lie in lent memory, and the other side may have no room for them */
    bool lends;
    struct lending *lending; /* NULL: none yet */
};

/* For how long a TCP connection may come about, and an established one be silent. Without these the
 * system would try for minutes to reach a host that was cut off, also when it is back. */
enum { CONNECT_MS = 3000, PING_MS = 1000, SILENCE_MS = 5000 };

static int set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static int connect_to(struct link *link, const char *endpoint, int waiting, bool heartbeats)
{
    if (set(link->socket, ZMQ_SNDHWM, waiting) != 0 ||
        set(link->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) != 0 ||
        set(link->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) != 0 ||
        set(link->socket, ZMQ_CONNECT_TIMEOUT, CONNECT_MS) != 0)
        return -errno;
    if (heartbeats && (set(link->socket, ZMQ_HEARTBEAT_IVL, PING_MS) != 0 ||
                       set(link->socket, ZMQ_HEARTBEAT_TIMEOUT, SILENCE_MS) != 0))
        return -errno;
    return zmq_connect(link->socket, endpoint) == 0 ? 0 : -errno;
}

static struct link *open_link(const struct bus *bus, const char *endpoint, const char *key,
                              int waiting, bool heartbeats, int *error)
{
    struct link *link = calloc(1, sizeof *link);
    if (!link) {
        *error = -ENOMEM;
        return NULL;
    }
    link->bus = bus;
    link->waiting = waiting;
    link->wait_ms = -1;
    link->socket = zmq_socket(bus_context(bus), ZMQ_PUSH);
    *error = link->socket ? bus_connects(bus, link->socket, endpoint, key) : -errno;
    if (!*error && (*error = connect_to(link, endpoint, waiting, heartbeats)) != 0)
        log_error("%s: cannot connect: %s", endpoint, zmq_strerror(-*error));
    if (*error)
        link_free(&link, 0);
    return link;
}

struct link *link_new(const struct bus *bus, const char *endpoint, const char *key, int waiting,
                      int *error)
{
    return open_link(bus, endpoint, key, waiting, strncmp(endpoint, "tcp://", 6) == 0, error);
}

struct link *link_new_data(const struct bus *bus, const char *endpoint, const char *key,
                           int waiting, uint32_t number, int *error)
{
    struct link *link = open_link(bus, endpoint, key, waiting, false, error);
    if (link)
        link->sequence = (uint64_t)number << LINK_NUMBER_SHIFT;
    return link;
}

void link_lend(struct link *link)
{
    link->lends = true;
}

int link_fill(struct link *link, struct buffer *message, size_t size)
{
    const struct lending_terms terms = {
        .sender = bus_sender(link->bus),
        .link = link->sequence >> LINK_NUMBER_SHIFT,
        .waiting = (uint32_t)link->waiting,
        .slot_size = size,
        .vitals = bus_vitals(link->bus),
    };
    if (link->lends && !link->lending) {
        link->lending = lending_new(&terms);
        link->lends = link->lending != NULL;
    }
    if (link->lending)
        lending_fill(link->lending, message);
    return message->bytes || buffer_reserve(message, size) ? 0 : -ENOMEM;
}

void link_settle(struct link *link)
{
    if (link->lending)
        lending_settle(link->lending);
}

/* Bytes of a message that ZeroMQ sends from. */
struct parcel {
    struct vitals *vitals;
    uint8_t *memory;
    size_t size;
};

/* Called by ZeroMQ, from a thread of its own: the system has the bytes, or nobody wants them. */
static void release(void *bytes, void *hint)
{
    struct parcel *parcel = hint;
    (void)bytes;
    vital_subtract_shared(&parcel->vitals->queue_bytes, parcel->size);
    free(parcel->memory);
    free(parcel);
}

/* Makes a message of these very bytes: a batch is not copied again. 0 or a negated errno. */
static int wrap(struct link *link, struct buffer *message, size_t start)
{
    struct parcel *parcel = malloc(sizeof *parcel);
    if (!parcel || message->failed) {
        free(parcel);
        return -ENOMEM;
    }
    *parcel = (struct parcel){bus_vitals(link->bus), message->bytes, message->length - start};
    if (zmq_msg_init_data(&link->message, message->bytes + start, parcel->size, release, parcel)) {
        int error = -errno;
        free(parcel);
        return error;
    }
    vital_add_shared(&parcel->vitals->queue_bytes, parcel->size);
    *message = (struct buffer){0};
    return 0;
}

/* Makes a message of where these bytes lie. 0 or a negated errno. */
static int wrap_note(struct link *link, const struct message_head *head, struct buffer *message,
                     size_t start)
{
    struct message_head lent = *head;
    struct buffer note = {0};
    lent.kind = TAPLINE_LENT;
    message_open(&note);
    lending_hand_over(link->lending, message, start, &note);
    size_t note_start = note.failed ? 0 : message_seal(&note, &lent);
    int error = wrap(link, &note, note_start);
    buffer_free(&note);
    return error;
}

/* Where the memory is lent, room is what the other side has given back. */
static bool has_room(struct link *link, int wait_ms)
{
    link->lent = link->lent && !lending_wait(link->lending, wait_ms);
    return !link->lent;
}

int link_flush(struct link *link, int wait_ms)
{
    if (!link->held)
        return 0;
    if (!has_room(link, wait_ms))
        return ERR_AGAIN;
    if (link->wait_ms != wait_ms) {
        zmq_setsockopt(link->socket, ZMQ_SNDTIMEO, &wait_ms, sizeof wait_ms);
        link->wait_ms = wait_ms;
    }
    if (zmq_msg_send(&link->message, link->socket, 0) < 0)
        return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : -errno;
    link->held = false;
    vital_add_shared(&bus_vitals(link->bus)->messages_out, 1);
    vital_add_shared(&bus_vitals(link->bus)->bytes_out, link->size);
    return 0;
}

int link_send(struct link *link, const struct message_head *head, struct buffer *message,
              int wait_ms)
{
    assert(!link->held);
    struct message_head full = *head;
    full.sender = bus_sender(link->bus);
    full.epoch = bus_epoch(link->bus);
    full.sequence = link->sequence + 1;
    full.sent = (uint64_t)clock_wall();
    size_t start = message->failed ? 0 : message_seal(message, &full);
    bool lent = !message->failed && link->lending && lending_holds(link->lending, message);
    link->size = message->length - start;
    int error = lent ? 0 : buffer_own(message);
    if (!error)
        error = lent ? wrap_note(link, &full, message, start) : wrap(link, message, start);
    if (error)
        return error;
    link->lent = lent;
    link->held = true;
    link->sequence++;
    return link_flush(link, wait_ms);
}

uint64_t link_sequence(const struct link *link)
{
    return link->sequence & ((UINT64_C(1) << LINK_NUMBER_SHIFT) - 1) ? link->sequence : 0;
}

void link_free(struct link **link, int linger_ms)
{
    if (!*link)
        return;
    if ((*link)->held)
        zmq_msg_close(&(*link)->message);
    if ((*link)->socket) {
        zmq_setsockopt((*link)->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_close((*link)->socket);
    }
    lending_free(&(*link)->lending, linger_ms);
    free(*link);
    *link = NULL;
}
