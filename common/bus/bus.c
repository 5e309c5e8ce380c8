#include "common/bus/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <zmq.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/endpoint.h"

struct bus {
    void *context;
    uint64_t sender;
    uint64_t epoch;
    struct vitals *vitals;
};

struct bus *bus_new(int *error)
{
    struct bus *bus = calloc(1, sizeof *bus);
    struct timespec now;
    *error = -ENOMEM;
    if (!bus)
        return NULL;
    while (!bus->sender)
        if (getrandom(&bus->sender, sizeof bus->sender, 0) != sizeof bus->sender)
            goto failed;
    clock_gettime(CLOCK_REALTIME, &now);
    bus->epoch = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    bus->vitals = calloc(1, sizeof *bus->vitals);
    bus->context = zmq_ctx_new();
    if (bus->vitals && bus->context) {
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

void *bus_context(const struct bus *bus)
{
    return bus->context;
}

struct vitals *bus_vitals(const struct bus *bus)
{
    return bus->vitals;
}

void bus_free(struct bus **bus)
{
    if (!*bus)
        return;
    /* A signal may cut the wait short; what is under way still has its time. */
    while (zmq_ctx_term((*bus)->context) != 0 && errno == EINTR)
        continue;
    free((*bus)->vitals);
    free(*bus);
    *bus = NULL;
}

int bus_endpoint_allowed(const char *endpoint, int insecure)
{
    if (endpoint_is_near(endpoint))
        return 0;
    if (strncmp(endpoint, "tcp://", 6) != 0) {
        log_error("%s: an endpoint begins with ipc:// or tcp://", endpoint);
        return ERR_USAGE;
    }
    if (insecure)
        return 0;
    log_error("%s: anybody on that network could read and write it; say --insecure if that is meant",
              endpoint);
    return ERR_USAGE;
}
