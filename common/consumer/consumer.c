#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapline/consumer.h>
#include <time.h>
#include <zmq.h>

#include "common/consumer/heads.h"
#include "common/consumer/record.h"
#include "common/wire/unpack.h"

enum { NO_LINGER = 0, RECONNECT_MS = 50, RECONNECT_MAX_MS = 1000, SUBSCRIPTIONS = 32 };

struct tapline_consumer {
    void *context;
    void *socket;
    bool ready; /* the sink was told so */
    char subscriptions[SUBSCRIPTIONS][TOPIC_MAX];
    size_t subscription_count;
    size_t early_count; /* of those, the ones from before it was ready */
    zmq_msg_t body;     /* of the record that was given out last */
    struct tapline_record record;
    struct heads heads;
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
        set(c->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) != 0 ||
        set(c->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) != 0 ||
        zmq_connect(c->socket, endpoint) != 0) {
        *error = -errno;
        tapline_close(&c);
        return NULL;
    }
    *error = 0;
    return c;
}

static int subscribe(struct tapline_consumer *c, const char *topic)
{
    return zmq_setsockopt(c->socket, ZMQ_SUBSCRIBE, topic, strlen(topic)) == 0 ? 0 : -errno;
}

int tapline_subscribe(struct tapline_consumer *c, const char *topic)
{
    if (strlen(topic) >= TOPIC_MAX || c->subscription_count == SUBSCRIPTIONS)
        return -EINVAL;
    snprintf(c->subscriptions[c->subscription_count++], TOPIC_MAX, "%s", topic);
    return subscribe(c, topic);
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Do the first `count` subscriptions cover the topic? */
static bool covered(const struct tapline_consumer *c, size_t count, const char *topic)
{
    for (size_t i = 0; i < count; i++)
        if (begins_with(topic, c->subscriptions[i]))
            return true;
    return false;
}

static bool subscribed(const struct tapline_consumer *c, const char *topic)
{
    return covered(c, c->subscription_count, topic);
}

/* The last thing that is asked for says that it is all. `stats` are wanted in any case: they tell
 * what was missed last. */
static int become_ready(struct tapline_consumer *c)
{
    int error = subscribe(c, TAPLINE_TOPIC_STATS);
    if (!error)
        error = subscribe(c, TAPLINE_TOPIC_READY);
    c->ready = !error;
    c->early_count = c->subscription_count;
    return error;
}

static bool text_to(struct tapline_value value, char *out, size_t size)
{
    const char *text;
    size_t length;
    if (!tapline_text(value, &text, &length) || length >= size || memchr(text, 0, length))
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static void take_heads(struct tapline_consumer *c, const char *sink)
{
    struct tapline_items items = tapline_items(tapline_get(&c->record, "heads"));
    struct tapline_value name, value;
    char topic[TOPIC_MAX];
    int64_t seq;
    while (tapline_item(&items, &name, &value))
        if (text_to(name, topic, sizeof topic) && tapline_int(value, &seq) && seq >= 0 &&
            subscribed(c, topic))
            heads_told(&c->heads, sink, topic, (uint64_t)seq, covered(c, c->early_count, topic));
}

/* Checks what came, and what was missed before it. */
static int take(struct tapline_consumer *c)
{
    struct unpack from = unpack_over(zmq_msg_data(&c->body), zmq_msg_size(&c->body));
    bool map = unpack_type(&from) == UNPACK_MAP;
    struct slice raw = unpack_raw(&from);
    int64_t version, seq;
    char sink[SINK_ID_MAX];
    c->record.map = (struct tapline_value){raw.bytes, raw.length};
    if (from.error || !map || !tapline_int(tapline_get(&c->record, "tap"), &version) ||
        version != TAPLINE_TAP_VERSION || !tapline_int(tapline_get(&c->record, "seq"), &seq) ||
        seq < 1 || !text_to(tapline_get(&c->record, "sink"), sink, sizeof sink))
        return -EPROTO;
    if (subscribed(c, c->record.topic))
        heads_arrived(&c->heads, sink, c->record.topic, (uint64_t)seq);
    if (strcmp(c->record.topic, TAPLINE_TOPIC_STATS) == 0)
        take_heads(c, sink);
    return 0;
}

static int receive_frame(struct tapline_consumer *c, zmq_msg_t *frame)
{
    return zmq_msg_recv(frame, c->socket, ZMQ_DONTWAIT) < 0 ? -errno : 0;
}

/* One message, if there is one: 0, -EAGAIN, -EPROTO. */
static int receive(struct tapline_consumer *c)
{
    zmq_msg_t topic;
    zmq_msg_init(&topic);
    int error = receive_frame(c, &topic);
    size_t length = error ? 0 : zmq_msg_size(&topic), frames = 1;
    if (!error && length < TOPIC_MAX) {
        memcpy(c->record.topic, zmq_msg_data(&topic), length);
        c->record.topic[length] = '\0';
    }
    bool more = !error && zmq_msg_more(&topic);
    zmq_msg_close(&topic);
    for (; more && !error; frames++) {
        error = receive_frame(c, &c->body);
        more = !error && zmq_msg_more(&c->body);
    }
    if (error)
        return error;
    return frames != 2 || length >= TOPIC_MAX ? -EPROTO : take(c);
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
        error = receive(c);
        if (!error && !subscribed(c, c->record.topic))
            continue;
        if (error != -EAGAIN || timeout_ms == 0)
            break;
        int64_t left = timeout_ms < 0 ? -1 : deadline - now_ms();
        if (timeout_ms > 0 && left <= 0)
            break;
        zmq_pollitem_t item = {.socket = c->socket, .events = ZMQ_POLLIN};
        error = zmq_poll(&item, 1, (long)left) < 0 ? -errno : 0;
    }
    if (!error)
        *record = &c->record;
    return error;
}

uint64_t tapline_missed(const struct tapline_consumer *c, const char *topic)
{
    return heads_missed(&c->heads, topic);
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
    free(c);
    *consumer = NULL;
}
