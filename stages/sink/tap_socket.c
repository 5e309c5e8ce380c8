#include "stages/sink/tap_socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tapline/tap.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/wire/pack.h"

/* ZeroMQ counts messages, people count bytes: so long is a long one. What waits for a listener
 * when the sink ends gets so many milliseconds to leave, and the last figures so many to find room;
 * a healthy one needs few, and a stopped one delays the end of a run by no more. */
enum {
    MESSAGE_BYTES = 16 * 1024,
    LINGER_MS = 250,
    FAREWELL_MS = 100,
    NS_PER_MS = 1000000,
    ENDPOINT_MAX = 256
};

struct tap_socket {
    struct tap tap;
    const struct tap_options *options;
    void *socket;
    char endpoint[ENDPOINT_MAX];
    uint64_t heads[TAP_TOPICS];      /* the last message's number, */
    uint64_t heads_then[TAP_TOPICS]; /* and that of the last tick */
    uint32_t wanted[TAP_TOPICS];     /* subscriptions that cover the topic */
    uint32_t ready;                  /* listeners whose subscriptions are complete */
    bool blocking;                   /* waits for listeners that have no room */
    bool trying;                     /* a listener counted as gone: looks whether it is back */
    bool farewell;                   /* the last message of all is sent */
    int64_t waited_ns;
    int64_t ticked_ns;
    struct buffer stats;
};

const struct tap_options TAP_OPTIONS_DEFAULT = {
    .policy = "drop",
    .queue = 64 * 1024 * 1024,
    .patience_ns = INT64_C(10) * 1000000000,
};

#define OPTION(field) offsetof(struct tap_options, field)

const struct opt TAP_OPTS[] = {
    {"tap", OPT_TEXT, OPTION(endpoint), "ENDPOINT", "publish every record here as it is finished",
     0, 0},
    {"tap-policy", OPT_TEXT, OPTION(policy), "POLICY",
     "a listener without room: drop its messages, or block until it has", 0, 0},
    {"tap-queue", OPT_SIZE, OPTION(queue), "BYTES",
     "what may wait for one listener, in messages of 16 KiB", MESSAGE_BYTES, UINT64_C(1) << 40},
    {"tap-patience", OPT_DURATION, OPTION(patience_ns), "SECONDS",
     "block: a listener that takes nothing for so long counts as gone", NS_PER_MS,
     INT64_C(3600) * 1000000000},
    {"tap-wait", OPT_COUNT, OPTION(wait), "N", "begin a capture when N listeners are there", 0,
     10000},
};
const size_t TAP_OPTS_COUNT = sizeof TAP_OPTS / sizeof TAP_OPTS[0];

static int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- sending ------------------------------------------------------------------------------ */

static void set_blocking(struct tap_socket *t, bool blocking)
{
    int no_drop = blocking;
    t->blocking = blocking;
    zmq_setsockopt(t->socket, ZMQ_XPUB_NODROP, &no_drop, sizeof no_drop);
}

/* A message is refused as a whole or not at all: room is looked for at its first frame. */
static bool put(struct tap_socket *t, enum tap_topic topic, const struct buffer *map, int wait)
{
    const char *name = TAP_TOPIC_NAMES[topic];
    return zmq_send(t->socket, name, strlen(name), ZMQ_SNDMORE | wait) >= 0 &&
           zmq_send(t->socket, map->bytes, map->length, wait) >= 0;
}

/* Waits for the slowest listener, but not for ever: then the tap drops, for this listener as for
 * all, until there is room for everyone again, which tap_socket_tick has looked for. */
static void put_waiting(struct tap_socket *t, enum tap_topic topic, const struct buffer *map)
{
    if (put(t, topic, map, ZMQ_DONTWAIT)) {
        t->trying = false;
        return;
    }
    bool sent = false;
    if (!t->trying) {
        int64_t start = monotonic_ns();
        sent = put(t, topic, map, 0);
        t->waited_ns += monotonic_ns() - start;
    }
    if (sent)
        return;
    if (!t->trying && !t->farewell)
        log_warning("%s: a listener took nothing for %.3g s and counts as gone", t->endpoint,
                    (double)t->options->patience_ns / 1e9);
    set_blocking(t, false);
    put(t, topic, map, ZMQ_DONTWAIT);
}

static bool tap_number(void *context, enum tap_topic topic, uint64_t *seq)
{
    struct tap_socket *t = context;
    *seq = ++t->heads[topic];
    return t->wanted[topic] > 0;
}

static void tap_send(void *context, enum tap_topic topic, const struct buffer *map)
{
    struct tap_socket *t = context;
    if (t->blocking)
        put_waiting(t, topic, map);
    else
        put(t, topic, map, ZMQ_DONTWAIT);
}

static uint32_t tap_missing(void *context)
{
    const struct tap_socket *t = context;
    return t->ready < t->options->wait ? (uint32_t)t->options->wait - t->ready : 0;
}

/* ---- listeners ---------------------------------------------------------------------------- */

static void count(uint32_t *counter, bool more)
{
    if (more && *counter < UINT32_MAX)
        (*counter)++;
    else if (!more && *counter)
        (*counter)--;
}

/* What comes is 1 (subscribes) or 0 (is gone, or subscribes no more), and the topic's beginning. */
static void take_subscription(struct tap_socket *t, const char *bytes, size_t length)
{
    if (!length || (unsigned char)bytes[0] > 1)
        return;
    bool more = bytes[0];
    const char *prefix = bytes + 1;
    length--;
    for (int topic = 0; topic < TAP_TOPICS; topic++) {
        const char *name = TAP_TOPIC_NAMES[topic];
        if (length <= strlen(name) && memcmp(name, prefix, length) == 0)
            count(&t->wanted[topic], more);
    }
    if (length == strlen(TAPLINE_TOPIC_READY) && memcmp(TAPLINE_TOPIC_READY, prefix, length) == 0)
        count(&t->ready, more);
}

void tap_socket_serve(struct tap_socket *t)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (zmq_msg_recv(&message, t->socket, ZMQ_DONTWAIT) >= 0)
        take_subscription(t, zmq_msg_data(&message), zmq_msg_size(&message));
    zmq_msg_close(&message);
}

/* ---- figures ------------------------------------------------------------------------------ */

static void pack_heads(struct tap_socket *t)
{
    pack_str(&t->stats, "heads");
    pack_map(&t->stats, TAP_TOPICS);
    for (int topic = 0; topic < TAP_TOPICS; topic++) {
        pack_str(&t->stats, TAP_TOPIC_NAMES[topic]);
        pack_uint(&t->stats, t->heads[topic]);
    }
}

static void pack_rates(struct tap_socket *t, double seconds)
{
    pack_str(&t->stats, "rates");
    pack_map(&t->stats, TAP_RECORD_TOPICS);
    for (int topic = 0; topic < TAP_RECORD_TOPICS; topic++) {
        pack_str(&t->stats, TAP_TOPIC_NAMES[topic]);
        pack_double(&t->stats, (double)(t->heads[topic] - t->heads_then[topic]) / seconds);
    }
}

static void publish_stats(struct tap_socket *t, int64_t now_ns)
{
    uint64_t seq;
    struct timespec now;
    if (!tap_number(t, TAP_STATS, &seq))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    buffer_clear(&t->stats);
    tap_open(&t->stats, &t->tap, 0, 0, seq, TAP_PAIRS + 5);
    pack_str(&t->stats, "time");
    pack_time(&t->stats, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    pack_str(&t->stats, "listeners");
    pack_uint(&t->stats, t->ready);
    pack_str(&t->stats, "waited");
    pack_double(&t->stats, (double)t->waited_ns / 1e9);
    pack_heads(t);
    pack_rates(t, (double)(now_ns - t->ticked_ns) / 1e9);
    if (!t->stats.failed)
        tap_send(t, TAP_STATS, &t->stats);
}

void tap_socket_tick(struct tap_socket *t, int64_t now_ns)
{
    if (!t->blocking && strcmp(t->options->policy, "block") == 0) {
        t->trying = true;
        set_blocking(t, true);
    }
    publish_stats(t, now_ns);
    memcpy(t->heads_then, t->heads, sizeof t->heads);
    t->ticked_ns = now_ns;
}

/* What was missed at the end shows in the last figures, so that these are worth a short wait. */
static void say_goodbye(struct tap_socket *t)
{
    int moment = FAREWELL_MS;
    zmq_setsockopt(t->socket, ZMQ_SNDTIMEO, &moment, sizeof moment);
    set_blocking(t, true);
    t->trying = false;
    t->farewell = true;
    publish_stats(t, monotonic_ns());
}

/* ---- opening and closing ------------------------------------------------------------------ */

static int check(const struct tap_options *options)
{
    struct stat status;
    const char *path = strncmp(options->endpoint, "ipc://", 6) == 0 ? options->endpoint + 6 : "";
    if (strcmp(options->policy, "drop") != 0 && strcmp(options->policy, "block") != 0) {
        log_error("--tap-policy %s: it is drop or block", options->policy);
        return ERR_USAGE;
    }
    /* ZeroMQ takes away what is in the way of an ipc:// socket, whatever it is. */
    if (*path && lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode)) {
        log_error("--tap %s: a file that is no socket is there", options->endpoint);
        return ERR_USAGE;
    }
    return 0;
}

static int bind_socket(struct tap_socket *t, const struct bus *bus)
{
    const struct tap_options *o = t->options;
    uint64_t messages = o->queue / MESSAGE_BYTES;
    int waiting = messages > INT_MAX ? INT_MAX : (int)messages, all = 1;
    int patience = (int)(o->patience_ns / NS_PER_MS);
    bool block = strcmp(o->policy, "block") == 0;
    int linger = block ? patience : LINGER_MS;
    size_t size = sizeof t->endpoint;
    t->socket = zmq_socket(bus_context(bus), ZMQ_XPUB);
    int refused = t->socket ? bus_accepts(bus, t->socket, o->endpoint) : -errno;
    if (refused)
        return refused;
    if (zmq_setsockopt(t->socket, ZMQ_SNDHWM, &waiting, sizeof waiting) != 0 ||
        zmq_setsockopt(t->socket, ZMQ_SNDTIMEO, &patience, sizeof patience) != 0 ||
        zmq_setsockopt(t->socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_setsockopt(t->socket, ZMQ_XPUB_VERBOSER, &all, sizeof all) != 0 ||
        zmq_bind(t->socket, o->endpoint) != 0 ||
        zmq_getsockopt(t->socket, ZMQ_LAST_ENDPOINT, t->endpoint, &size) != 0) {
        int error = -errno;
        log_error("--tap %s: cannot be bound: %s", o->endpoint, zmq_strerror(errno));
        return error;
    }
    set_blocking(t, block);
    return 0;
}

struct tap_socket *tap_socket_new(const struct bus *bus, const struct tap_options *options,
                                  int *error)
{
    *error = check(options);
    struct tap_socket *t = *error ? NULL : calloc(1, sizeof *t);
    if (!t) {
        *error = *error ? *error : -ENOMEM;
        return NULL;
    }
    t->tap = (struct tap){t, bus_sender(bus), tap_number, tap_send, tap_missing};
    t->options = options;
    t->ticked_ns = monotonic_ns();
    *error = bind_socket(t, bus);
    if (*error)
        tap_socket_free(&t);
    return t;
}

const struct tap *tap_socket_tap(const struct tap_socket *t)
{
    return &t->tap;
}

void *tap_socket_handle(const struct tap_socket *t)
{
    return t->socket;
}

void tap_socket_free(struct tap_socket **tap)
{
    if (!*tap)
        return;
    if ((*tap)->socket) {
        say_goodbye(*tap);
        zmq_close((*tap)->socket);
    }
    /* ZeroMQ leaves the file of an ipc:// socket behind. */
    if (strncmp((*tap)->endpoint, "ipc://", 6) == 0)
        unlink((*tap)->endpoint + 6);
    buffer_free(&(*tap)->stats);
    free(*tap);
    *tap = NULL;
}
