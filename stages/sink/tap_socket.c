#include "stages/sink/tap_socket.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tapline/tap.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/signals.h"
#include "common/wire/pack.h"
#include "stages/sink/listeners.h"

/* ZeroMQ counts messages, people count bytes: few are longer than this. */
enum { MESSAGE_BYTES = 4 * 1024, NS_PER_MS = 1000000, ENDPOINT_MAX = 256 };

/* A tap that waits looks so often at who still takes something. One that does not wait does so at
 * the end all the same, as what a listener missed shows in the last figures: for one that takes
 * nothing so long, and for all so long. */
enum { LOOK_MS = 50, GLANCE_MS = 5, FAREWELL_MS = 150, LINGER_MS = 250 };

/* A port that another program has is tried again so often and for so long: longer than a reader
 * waits for workers, so that one run says it once. */
enum { TAKEN_MS = 100, TAKEN_MAX_MS = 15000 };

/* A listener that is alone and has no room is sent nothing for so long: nothing need be made. */
enum { PAUSE_MS = 5 };

struct tap_socket {
    struct tap tap;
    const struct tap_options *options;
    void *socket;
    char endpoint[ENDPOINT_MAX];
    uint64_t heads[TAP_TOPICS];      /* the last message's number, */
    uint64_t heads_then[TAP_TOPICS]; /* and that of the last tick */
    uint32_t wanted[TAP_TOPICS];     /* subscriptions that cover the topic */
    uint32_t ready;                  /* listeners whose subscriptions are complete */
    struct listeners *listeners;     /* their connections */
    bool block;                      /* they are waited for */
    int wait;                        /* ZMQ_DONTWAIT, and 0 for the last figures */
    int64_t pause_ns;                /* until then the only one has no room; 0: it has */
    int64_t waited_ns;
    int64_t ticked_ns;
    struct buffer stats;
};

const struct tap_options TAP_OPTIONS_DEFAULT = {
    .policy = "drop",
    .queue = 128 * 1024 * 1024,
    .patience_ns = INT64_C(10) * 1000000000,
};

#define OPTION(field) offsetof(struct tap_options, field)

const struct opt TAP_OPTS[] = {
    {"tap", OPT_TEXT, OPTION(endpoint), "ENDPOINT", "publish every record here as it is finished",
     0, 0},
    {"tap-opens", OPT_FLAG, OPTION(opens), NULL, "publish flows when they begin, too", 0, 0},
    {"tap-policy", OPT_TEXT, OPTION(policy), "POLICY",
     "a listener without room: drop its messages, or block until it has", 0, 0},
    {"tap-queue", OPT_SIZE, OPTION(queue), "BYTES",
     "what may wait for one listener, in messages of 4 KiB", MESSAGE_BYTES, UINT64_C(1) << 40},
    {"tap-patience", OPT_DURATION, OPTION(patience_ns), "SECONDS",
     "block: a listener that takes nothing for so long is disconnected", NS_PER_MS,
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

/* A message is refused as a whole or not at all: room is looked for at its first frame. */
static bool put(struct tap_socket *t, enum tap_topic topic, const struct buffer *map, int wait)
{
    const char *name = TAP_TOPIC_NAMES[topic];
    return zmq_send(t->socket, name, strlen(name), ZMQ_SNDMORE | wait) >= 0 &&
           zmq_send(t->socket, map->bytes, map->length, wait) >= 0;
}

/* Looks who takes nothing any more, and lets go of them. False: there is nobody to wait for. */
static bool look(struct tap_socket *t)
{
    int64_t now = monotonic_ns(), patience = t->options->patience_ns;
    uint32_t gone = listeners_look(t->listeners, now, patience);
    if (gone)
        log_warning("%s: %u of the listeners took nothing for %.3g s and count as gone",
                    t->endpoint, gone, (double)patience / 1e9);
    return now - listeners_moved(t->listeners) < patience;
}

/* Waits for room as long as it takes, provided that who has none takes something meanwhile. */
static void put_waiting(struct tap_socket *t, enum tap_topic topic, const struct buffer *map)
{
    if (put(t, topic, map, ZMQ_DONTWAIT))
        return;
    int64_t start = monotonic_ns();
    listeners_wait(t->listeners, start);
    while (!put(t, topic, map, 0) && look(t))
        continue;
    t->waited_ns += monotonic_ns() - start;
}

/* Somebody has no room: the others get it all the same. */
static void put_to_others(struct tap_socket *t, enum tap_topic topic, const struct buffer *map)
{
    int no_drop = 0;
    if (listeners_count(t->listeners) == 1) {
        t->pause_ns = monotonic_ns() + (int64_t)PAUSE_MS * NS_PER_MS;
        return;
    }
    zmq_setsockopt(t->socket, ZMQ_XPUB_NODROP, &no_drop, sizeof no_drop);
    put(t, topic, map, ZMQ_DONTWAIT);
    no_drop = 1;
    zmq_setsockopt(t->socket, ZMQ_XPUB_NODROP, &no_drop, sizeof no_drop);
}

static bool pausing(struct tap_socket *t)
{
    if (t->pause_ns && monotonic_ns() >= t->pause_ns)
        t->pause_ns = 0;
    return t->pause_ns;
}

static bool tap_number(void *context, enum tap_topic topic, uint64_t *seq)
{
    struct tap_socket *t = context;
    *seq = ++t->heads[topic];
    return t->wanted[topic] > 0 && !pausing(t);
}

static void tap_send(void *context, enum tap_topic topic, const struct buffer *map)
{
    struct tap_socket *t = context;
    if (t->block)
        put_waiting(t, topic, map);
    else if (!put(t, topic, map, t->wait))
        put_to_others(t, topic, map);
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
    listeners_wait(t->listeners, now_ns); /* takes in who came and who went, if no more */
    publish_stats(t, now_ns);
    memcpy(t->heads_then, t->heads, sizeof t->heads);
    t->ticked_ns = now_ns;
}

/* Waits until everybody has everything, or is gone. */
static void drain(struct tap_socket *t)
{
    const struct timespec moment = {.tv_nsec = LOOK_MS * NS_PER_MS};
    for (look(t); !listeners_served(t->listeners); look(t))
        nanosleep(&moment, NULL);
}

/* The same in a hurry. */
static void drain_quickly(struct tap_socket *t, int64_t start)
{
    const struct timespec moment = {.tv_nsec = GLANCE_MS * NS_PER_MS};
    const int64_t patience = (int64_t)FAREWELL_MS * NS_PER_MS;
    int64_t now = start;
    do {
        nanosleep(&moment, NULL);
        now = monotonic_ns();
        listeners_look(t->listeners, now, patience);
    } while (!listeners_served(t->listeners) && now - start < (int64_t)LINGER_MS * NS_PER_MS);
}

/* Whoever still takes something gets what waits for it, the last figures and what ZeroMQ itself
 * still holds, which is not seen here. */
static void say_goodbye(struct tap_socket *t)
{
    int64_t start = monotonic_ns();
    int moment = FAREWELL_MS;
    listeners_wait(t->listeners, start);
    if (t->block)
        drain(t);
    else
        drain_quickly(t, start);
    bool served = listeners_served(t->listeners);
    int linger = !served ? 0 : t->block ? (int)(t->options->patience_ns / NS_PER_MS) : LINGER_MS;
    zmq_setsockopt(t->socket, ZMQ_SNDTIMEO, &moment, sizeof moment);
    t->block = false;
    t->wait = 0;
    t->pause_ns = 0;
    publish_stats(t, monotonic_ns());
    zmq_setsockopt(t->socket, ZMQ_LINGER, &linger, sizeof linger);
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

/* Waits until the port may be free again; ERR_STOPPED where this process is to end. */
static int wait_for_port(void)
{
    struct pollfd told = {.fd = signals_descriptor(), .events = POLLIN};
    poll(&told, 1, TAKEN_MS);
    signals_clear();
    return signals_stop() || signals_leave() ? ERR_STOPPED : 0;
}

/* Who has the port now may give it back. 0, ERR_STOPPED or a negated errno, of which EADDRINUSE has
 * been said. */
static int bind_in_time(struct tap_socket *t)
{
    const char *endpoint = t->options->endpoint;
    int64_t limit = monotonic_ns() + (int64_t)TAKEN_MAX_MS * NS_PER_MS;
    int error = 0;
    for (bool told = false; !error && zmq_bind(t->socket, endpoint) != 0; told = true) {
        if (errno != EADDRINUSE || monotonic_ns() > limit)
            return -errno;
        if (!told)
            log_error("--tap %s: another program has this port; end that one, or name another "
                      "port: it is waited for", endpoint);
        error = wait_for_port();
    }
    return error;
}

static int bind_socket(struct tap_socket *t, const struct bus *bus)
{
    const struct tap_options *o = t->options;
    uint64_t messages = o->queue / MESSAGE_BYTES;
    int waiting = messages > INT_MAX ? INT_MAX : (int)messages, all = 1;
    int look_ms = LOOK_MS, no_linger = 0, no_drop = 1, error = 0;
    size_t size = sizeof t->endpoint;
    t->socket = zmq_socket(bus_context(bus), ZMQ_XPUB);
    int refused =
        t->socket ? bus_accepts(bus, t->socket, o->endpoint, "--key, --allow") : -errno;
    if (refused)
        return refused;
    t->block = strcmp(o->policy, "block") == 0;
    t->wait = ZMQ_DONTWAIT;
    t->listeners = listeners_new(bus_context(bus), t->socket, &error);
    if (error || zmq_setsockopt(t->socket, ZMQ_SNDHWM, &waiting, sizeof waiting) != 0 ||
        zmq_setsockopt(t->socket, ZMQ_SNDTIMEO, &look_ms, sizeof look_ms) != 0 ||
        zmq_setsockopt(t->socket, ZMQ_XPUB_NODROP, &no_drop, sizeof no_drop) != 0 ||
        zmq_setsockopt(t->socket, ZMQ_LINGER, &no_linger, sizeof no_linger) != 0 ||
        zmq_setsockopt(t->socket, ZMQ_XPUB_VERBOSER, &all, sizeof all) != 0)
        error = error ? error : -errno;
    if (!error)
        error = bind_in_time(t);
    if (!error && zmq_getsockopt(t->socket, ZMQ_LAST_ENDPOINT, t->endpoint, &size) != 0)
        error = -errno;
    if (!error || error == ERR_STOPPED || error == -EADDRINUSE)
        return error;
    log_error("--tap %s: cannot be bound: %s", o->endpoint, zmq_strerror(-error));
    return ERR_USAGE; /* an address that this machine has not, it never has */
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
    t->tap = (struct tap){.context = t,
                          .sink = bus_sender(bus),
                          .opens = options->opens,
                          .number = tap_number,
                          .send = tap_send,
                          .missing = tap_missing};
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
        if ((*tap)->endpoint[0])
            say_goodbye(*tap);
        listeners_free(&(*tap)->listeners);
        zmq_close((*tap)->socket);
    }
    /* ZeroMQ leaves the file of an ipc:// socket behind. */
    if (strncmp((*tap)->endpoint, "ipc://", 6) == 0)
        unlink((*tap)->endpoint + 6);
    buffer_free(&(*tap)->stats);
    free(*tap);
    *tap = NULL;
}
