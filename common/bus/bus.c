#include "common/bus/bus.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/endpoint.h"
#include "common/bus/gate.h"
#include "common/bus/keys.h"
#include "common/bus/realm.h"
#include "common/bus/signals.h"

struct bus {
    void *context;
    uint64_t sender;
    uint64_t epoch;
    uint64_t realm;
    struct vitals *vitals;
    struct keys keys;
    struct gate *gate;
    bool insecure;
};

/* The longest of them is a listener's patience; who is told to stop has no such reason to wait. */
enum { CLOSING_SECONDS = 600, STOPPING_SECONDS = 10 };

/* Links to this many others: each is a socket, with up to two descriptors. */
enum { MOST_SOCKETS = 16384 };

/* Takes as many of them as this process may have: few are given at first. */
static void allow_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

struct bus *bus_new(int *error)
{
    struct bus *bus = calloc(1, sizeof *bus);
    *error = -ENOMEM;
    if (!bus)
        return NULL;
    while (!bus->sender)
        if (getrandom(&bus->sender, sizeof bus->sender, 0) != sizeof bus->sender)
            goto failed;
    bus->epoch = (uint64_t)clock_wall();
    bus->realm = realm_number();
    bus->vitals = calloc(1, sizeof *bus->vitals);
    bus->context = zmq_ctx_new();
    allow_descriptors();
    if (bus->vitals && bus->context &&
        zmq_ctx_set(bus->context, ZMQ_MAX_SOCKETS, MOST_SOCKETS) == 0) {
        *error = 0;
        return bus;
    }
failed:
    *error = -errno;
    if (bus->context)
        zmq_ctx_term(bus->context);
    free(bus->vitals);
    free(bus);
    return NULL;
}

uint64_t bus_sender(const struct bus *bus)
{
    return bus->sender;
}

uint64_t bus_epoch(const struct bus *bus)
{
    return bus->epoch;
}

uint64_t bus_realm(const struct bus *bus)
{
    return bus->realm;
}

void *bus_context(const struct bus *bus)
{
    return bus->context;
}

struct vitals *bus_vitals(const struct bus *bus)
{
    return bus->vitals;
}

/* A signal may cut the wait short; what is under way still has its time. */
static void *terminate(void *context)
{
    while (zmq_ctx_term(context) != 0 && errno == EINTR)
        continue;
    return NULL;
}

/* Every socket has its limit, but what counts them is ZeroMQ: a process that has ended otherwise is
 * not to stay for one that was miscounted. */
static void end_context(void *context)
{
    pthread_t thread;
    struct timespec limit;
    int seconds = signals_stop() ? STOPPING_SECONDS : CLOSING_SECONDS;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += seconds;
    if (pthread_create(&thread, NULL, terminate, context) != 0) {
        terminate(context);
    } else if (pthread_timedjoin_np(thread, NULL, &limit) != 0) {
        log_info("sockets are still open after %d s, and are left", seconds);
        pthread_detach(thread);
    }
}

void bus_free(struct bus **bus)
{
    if (!*bus)
        return;
    gate_free(&(*bus)->gate);
    end_context((*bus)->context);
    free((*bus)->vitals);
    explicit_bzero(&(*bus)->keys, sizeof (*bus)->keys);
    free(*bus);
    *bus = NULL;
}

int bus_secure(struct bus *bus, const char *key, const char *allow, bool insecure)
{
    int error = key ? keys_read(key, &bus->keys) : 0;
    bus->insecure = insecure;
    if (error) {
        log_error("%s: %s", key, keys_fault(error));
        return ERR_USAGE;
    }
    if (key)
        bus->gate = gate_new(bus->context, allow, &error);
    return error;
}

const char *bus_key(const struct bus *bus)
{
    return bus->keys.public_key;
}

/* Whether a socket is to be guarded by keys: 1 or 0; ERR_USAGE where it must be and cannot. */
static int guarded(const struct bus *bus, const char *endpoint, bool has_keys,
                   const char *keyed_by)
{
    if (strncmp(endpoint, "tcp://", 6) == 0 && has_keys)
        return 1;
    if (endpoint_is_near(endpoint) || bus->insecure)
        return 0;
    log_error("%s: anybody on that network could read and write it; give keys (%s), or say "
              "--insecure if that is meant",
              endpoint, keyed_by);
    return ERR_USAGE;
}

/* A socket that is to reach an IPv6 address, which stands in brackets, must be told before. */
static int speak_ipv6(void *socket, const char *endpoint)
{
    int yes = 1;
    return strchr(endpoint, '[') ? zmq_setsockopt(socket, ZMQ_IPV6, &yes, sizeof yes) : 0;
}

int bus_accepts(const struct bus *bus, void *socket, const char *endpoint, const char *keyed_by)
{
    int yes = 1;
    if (endpoint_check(endpoint, false) != 0)
        return ERR_USAGE;
    int guard = guarded(bus, endpoint, bus->keys.secret_key[0] != '\0', keyed_by);
    if (guard >= 0 && speak_ipv6(socket, endpoint) != 0)
        return -errno;
    if (guard <= 0)
        return guard;
    if (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof yes) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, bus->keys.secret_key, PRESENCE_KEY) != 0)
        return -errno;
    return 0;
}

int bus_connects(const struct bus *bus, void *socket, const char *endpoint, const char *peer_key)
{
    const struct keys *keys = &bus->keys;
    if (endpoint_check(endpoint, true) != 0)
        return ERR_USAGE;
    int guard =
        guarded(bus, endpoint, peer_key[0] && keys->secret_key[0], "--key, --lobby-key");
    if (guard >= 0 && speak_ipv6(socket, endpoint) != 0)
        return -errno;
    if (guard <= 0)
        return guard;
    if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, peer_key, PRESENCE_KEY) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, PRESENCE_KEY) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, PRESENCE_KEY) != 0)
        return -errno;
    return 0;
}
