#include "common/bus/link.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"

enum { RECONNECT_MS = 5, RECONNECT_MAX_MS = 500 };

struct link {
    const struct bus *bus;
    void *socket;
    uint64_t sequence;
    int wait_ms;       /* the socket's send timeout as it is set now */
    bool held;         /* a message waits for room: */
    zmq_msg_t message; /* this one */
};

struct link *link_new(const struct bus *bus, const char *endpoint, const char *key, int waiting,
                      int *error)
{
    struct link *link = calloc(1, sizeof *link);
    int reconnect = RECONNECT_MS, reconnect_max = RECONNECT_MAX_MS;
    if (!link) {
        *error = -ENOMEM;
        return NULL;
    }
    link->bus = bus;
    link->wait_ms = -1;
    link->socket = zmq_socket(bus_context(bus), ZMQ_PUSH);
    *error = link->socket ? bus_connects(bus, link->socket, endpoint, key) : -errno;
    if (*error) {
        link_free(&link, 0);
        return NULL;
    }
    if (zmq_setsockopt(link->socket, ZMQ_SNDHWM, &waiting, sizeof waiting) != 0 ||
        zmq_setsockopt(link->socket, ZMQ_RECONNECT_IVL, &reconnect, sizeof reconnect) != 0 ||
        zmq_setsockopt(link->socket, ZMQ_RECONNECT_IVL_MAX, &reconnect_max, sizeof reconnect_max) ||
        zmq_connect(link->socket, endpoint) != 0) {
        *error = -errno;
        log_error("%s: cannot connect: %s", endpoint, zmq_strerror(errno));
        link_free(&link, 0);
        return NULL;
    }
    *error = 0;
    return link;
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
    vital_subtract(&parcel->vitals->queue_bytes, parcel->size);
    free(parcel->memory);
    free(parcel);
}

/* Makes a message of these very bytes: a batch is not copied again. 0 or a negated errno. */
static int wrap(struct link *link, struct buffer *message, size_t start)
{
    struct parcel *parcel = malloc(sizeof *parcel);
    if (!parcel)
        return -ENOMEM;
    *parcel = (struct parcel){bus_vitals(link->bus), message->bytes, message->length - start};
    if (zmq_msg_init_data(&link->message, message->bytes + start, parcel->size, release, parcel)) {
        int error = -errno;
        free(parcel);
        return error;
    }
    vital_add(&parcel->vitals->queue_bytes, parcel->size);
    *message = (struct buffer){0};
    return 0;
}


int link_flush(struct link *link, int wait_ms)
{
    if (!link->held)
        return 0;
    if (link->wait_ms != wait_ms) {
        zmq_setsockopt(link->socket, ZMQ_SNDTIMEO, &wait_ms, sizeof wait_ms);
        link->wait_ms = wait_ms;
    }
    size_t size = zmq_msg_size(&link->message);
    if (zmq_msg_send(&link->message, link->socket, 0) < 0)
        return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : -errno;
    link->held = false;
    vital_add(&bus_vitals(link->bus)->messages_out, 1);
    vital_add(&bus_vitals(link->bus)->bytes_out, size);
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
    int error = message->failed ? -ENOMEM : wrap(link, message, start);
    if (error)
        return error;
    link->held = true;
    link->sequence++;
    return link_flush(link, wait_ms);
}

uint64_t link_sequence(const struct link *link)
{
    return link->sequence;
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
    free(*link);
    *link = NULL;
}
