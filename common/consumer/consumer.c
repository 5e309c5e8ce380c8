#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapline/consumer.h>
#include <time.h>
#include <zmq.h>

#include "common/base/error.h"
#include "common/bus/keys.h"
#include "common/consumer/intake.h"

enum { NO_LINGER = 0, RECONNECT_MS = 50, RECONNECT_MAX_MS = 1000 };

/* No honest message comes near this: who sends one is disconnected. */
static const int64_t LARGEST_MESSAGE = INT64_C(64) << 20;

struct tapline_consumer {
    void *context;
    void *socket;
    struct keys keys;           /* this listener's; "": none */
    char tap_key[PRESENCE_KEY]; /* the key that the next tap must prove */
    bool ready; /* the sink was told so */
    zmq_msg_t body; /* of the record that was given out last */
    struct intake intake;
};

static int set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

struct tapline_consumer *tapline_open(const char *endpoint, int *error)
{
    struct tapline_consumer *c = calloc(1, sizeof *c);
    if (!c) {
        *error = -ENOMEM;
        return NULL;
    }
    zmq_msg_init(&c->body);
    c->context = zmq_ctx_new();
    c->socket = c->context ? zmq_socket(c->context, ZMQ_SUB) : NULL;
    if (!c->socket || set(c->socket, ZMQ_LINGER, NO_LINGER) != 0 ||
        zmq_setsockopt(c->socket, ZMQ_MAXMSGSIZE, &LARGEST_MESSAGE, sizeof LARGEST_MESSAGE) != 0 ||
        set(c->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) != 0 ||
        set(c->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) != 0)
        *error = -errno;
    else
        *error = endpoint ? tapline_connect(c, endpoint) : 0;
    if (*error)
        tapline_close(&c);
    return c;
}

/* Settings of a socket are those of its next connection. To set no user's name is the one way to
 * take keys back that were set before. */
static int guard(struct tapline_consumer *c, const char *endpoint)
{
    const struct keys *keys = &c->keys;
    if (!keys->secret_key[0])
        return 0;
    if (strncmp(endpoint, "tcp://", 6) != 0)
        return zmq_setsockopt(c->socket, ZMQ_PLAIN_USERNAME, NULL, 0) == 0 ? 0 : -errno;
    if (zmq_setsockopt(c->socket, ZMQ_CURVE_SERVERKEY, c->tap_key, PRESENCE_KEY) != 0 ||
        zmq_setsockopt(c->socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, PRESENCE_KEY) != 0 ||
        zmq_setsockopt(c->socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, PRESENCE_KEY) != 0)
        return -errno;
    return 0;
}

int tapline_connect(struct tapline_consumer *c, const char *endpoint)
{
    int error = guard(c, endpoint);
    return error || zmq_connect(c->socket, endpoint) == 0 ? error : -errno;
}

int tapline_use_keys(struct tapline_consumer *c, const char *own_key, const char *tap_key)
{
    int error = keys_read(own_key, &c->keys);
    if (!error)
        error = keys_read_public(tap_key, c->tap_key);
    if (error)
        explicit_bzero(&c->keys, sizeof c->keys);
    return error == ERR_USAGE ? -EINVAL : error;
}

static int subscribe(struct tapline_consumer *c, const char *topic)
{
    return zmq_setsockopt(c->socket, ZMQ_SUBSCRIBE, topic, strlen(topic)) == 0 ? 0 : -errno;
}

int tapline_subscribe(struct tapline_consumer *c, const char *topic)
{
    int error = intake_subscribe(&c->intake, topic);
    return error ? error : subscribe(c, topic);
}

/* The last thing that is asked for says that it is all. `stats` are wanted in any case: they tell
 * what was missed last. */
static int become_ready(struct tapline_consumer *c)
{
    int error = subscribe(c, TAPLINE_TOPIC_STATS);
    if (!error)
        error = subscribe(c, TAPLINE_TOPIC_READY);
    c->ready = !error;
    intake_ready(&c->intake);
    return error;
}

static int receive_frame(struct tapline_consumer *c, zmq_msg_t *frame)
{
    return zmq_msg_recv(frame, c->socket, ZMQ_DONTWAIT) < 0 ? -errno : 0;
}

/* One message, if there is one: 0; -EAGAIN: none; ERR_AGAIN: none that was asked for; -EPROTO. */
static int receive(struct tapline_consumer *c)
{
    zmq_msg_t topic;
    zmq_msg_init(&topic);
    int error = receive_frame(c, &topic), frames = 1;
    for (bool more = !error && zmq_msg_more(&topic); more && !error; frames++) {
        error = receive_frame(c, &c->body);
        more = !error && zmq_msg_more(&c->body);
    }
    struct slice name = {zmq_msg_data(&topic), zmq_msg_size(&topic)};
    struct slice body = {zmq_msg_data(&c->body), zmq_msg_size(&c->body)};
    if (!error && frames != 2)
        error = -EPROTO;
    else if (!error && !intake_take(&c->intake, name, body, &error))
        error = error ? error : ERR_AGAIN;
    zmq_msg_close(&topic);
    return error;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int tapline_next(struct tapline_consumer *c, int timeout_ms, const struct tapline_record **record)
{
    int error = c->ready ? 0 : become_ready(c);
    int64_t deadline = now_ms() + timeout_ms;
    while (!error) {
        do
            error = receive(c);
        while (error == ERR_AGAIN);
        if (error != -EAGAIN || timeout_ms == 0)
            break;
        int64_t left = timeout_ms < 0 ? -1 : deadline - now_ms();
        if (timeout_ms > 0 && left <= 0)
            break;
        zmq_pollitem_t item = {.socket = c->socket, .events = ZMQ_POLLIN};
        error = zmq_poll(&item, 1, (long)left) < 0 ? -errno : 0;
    }
    if (!error)
        *record = &c->intake.record;
    return error;
}

uint64_t tapline_missed(const struct tapline_consumer *c, const char *topic)
{
    return heads_missed(&c->intake.heads, topic);
}

void tapline_close(struct tapline_consumer **consumer)
{
    struct tapline_consumer *c = *consumer;
    if (!c)
        return;
    zmq_msg_close(&c->body);
    if (c->socket)
        zmq_close(c->socket);
    if (c->context)
        zmq_ctx_term(c->context);
    explicit_bzero(&c->keys, sizeof c->keys);
    free(c);
    *consumer = NULL;
}
