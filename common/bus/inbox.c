#include "common/bus/inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"

/* No honest message comes near this: batches end soon after their target (1 MiB). */
static const int64_t LARGEST_MESSAGE = INT64_C(256) << 20;

struct inbox {
    struct vitals *vitals;
    void *socket;
    struct borrowing *borrowing; /* NULL: it can be reached from other machines */
    uint64_t bad;
    char endpoint[256];
};

static bool is_file(const char *endpoint)
{
    return strncmp(endpoint, "ipc://", 6) == 0;
}

struct inbox *inbox_new(const struct bus *bus, const char *endpoint, const char *keyed_by,
                        int waiting, int *error)
{
    struct inbox *inbox = calloc(1, sizeof *inbox);
    int no_linger = 0;
    size_t size = sizeof inbox->endpoint;
    if (!inbox) {
        *error = -ENOMEM;
        return NULL;
    }
    inbox->vitals = bus_vitals(bus);
    inbox->socket = zmq_socket(bus_context(bus), ZMQ_PULL);
    *error = inbox->socket ? bus_accepts(bus, inbox->socket, endpoint, keyed_by) : -errno;
    if (!*error && is_file(endpoint) && !(inbox->borrowing = borrowing_new()))
        *error = -ENOMEM;
    if (*error) {
        inbox_free(&inbox);
        return NULL;
    }
    if (zmq_setsockopt(inbox->socket, ZMQ_RCVHWM, &waiting, sizeof waiting) != 0 ||
        zmq_setsockopt(inbox->socket, ZMQ_LINGER, &no_linger, sizeof no_linger) != 0 ||
        zmq_setsockopt(inbox->socket, ZMQ_MAXMSGSIZE, &LARGEST_MESSAGE, sizeof LARGEST_MESSAGE) ||
        zmq_bind(inbox->socket, endpoint) != 0 ||
        zmq_getsockopt(inbox->socket, ZMQ_LAST_ENDPOINT, inbox->endpoint, &size) != 0) {
        *error = -errno;
        log_error("%s: cannot be bound: %s", endpoint, zmq_strerror(errno));
        inbox_free(&inbox);
        return NULL;
    }
    *error = 0;
    return inbox;
}

const char *inbox_endpoint(const struct inbox *inbox)
{
    return inbox->endpoint;
}

void *inbox_socket(const struct inbox *inbox)
{
    return inbox->socket;
}

/* Says the 1st, 2nd, 4th, 8th ... of the bad messages, so that a flood of them is none of lines. */
static void count_bad(struct inbox *inbox, int error)
{
    inbox->bad++;
    vital_add(&inbox->vitals->messages_bad, 1);
    if ((inbox->bad & (inbox->bad - 1)) == 0)
        log_warning("%s: passed over a message (%s); %llu so far", inbox->endpoint,
                    error_text(error), (unsigned long long)inbox->bad);
}

/* A message says of another where it lies: that one is meant. */
static int follow(struct inbox *inbox, struct message *message)
{
    if (!inbox->borrowing)
        return ERR_MALFORMED;
    int error = borrowing_find(inbox->borrowing, &message->head, &message->body, &message->loan);
    if (error)
        return error;
    message->body = unpack_over(message->loan.bytes.bytes, message->loan.bytes.length);
    error = message_head_unpack(&message->body, &message->head);
    return !error && message->head.kind == TAPLINE_LENT ? ERR_MALFORMED : error;
}

/* Reads the head of what came, in this message or where it points to. */
static int read_head(struct inbox *inbox, struct message *message)
{
    size_t size = zmq_msg_size(&message->held);
    message->loan = (struct loan){0};
    message->body = unpack_over(zmq_msg_data(&message->held), size);
    int error = message_head_unpack(&message->body, &message->head);
    if (!error && message->head.kind == TAPLINE_LENT)
        error = follow(inbox, message);
    vital_add(&inbox->vitals->messages_in, 1);
    vital_add(&inbox->vitals->bytes_in, message->loan.from ? message->loan.bytes.length : size);
    message->head.proved = zmq_msg_gets(&message->held, "User-Id");
    return error;
}

int inbox_receive(struct inbox *inbox, struct message *message)
{
    for (;;) {
        zmq_msg_init(&message->held);
        if (zmq_msg_recv(&message->held, inbox->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&message->held);
            return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : -errno;
        }
        int error = read_head(inbox, message);
        if (!error)
            return 0;
        count_bad(inbox, error);
        message_release(message);
    }
}

void message_release(struct message *message)
{
    loan_return(&message->loan);
    zmq_msg_close(&message->held);
}

void inbox_sweep(struct inbox *inbox)
{
    if (inbox->borrowing)
        borrowing_sweep(inbox->borrowing);
}

void inbox_free(struct inbox **inbox)
{
    if (!*inbox)
        return;
    if ((*inbox)->socket)
        zmq_close((*inbox)->socket);
    /* ZeroMQ leaves the file of an ipc:// socket behind. */
    if (is_file((*inbox)->endpoint))
        unlink((*inbox)->endpoint + 6);
    borrowing_free(&(*inbox)->borrowing);
    free(*inbox);
    *inbox = NULL;
}
