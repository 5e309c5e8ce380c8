/*
 * One process on the bus: its ZeroMQ context and who it is. Inboxes and links are opened on it.
 */
#ifndef TAPLINE_COMMON_BUS_H
#define TAPLINE_COMMON_BUS_H

#include <stdint.h>

#include "common/bus/vitals.h"

struct bus;

/** A process on the bus with a fresh identity; NULL, with *error set, where that fails. */
struct bus *bus_new(int *error);

/** The random id of this process, never 0. */
uint64_t bus_sender(const struct bus *bus);

/** When it started, nanoseconds since 1970. */
uint64_t bus_epoch(const struct bus *bus);

/** The ZeroMQ context, for inbox.c and link.c. */
void *bus_context(const struct bus *bus);

/** What this process has counted. */
struct vitals *bus_vitals(const struct bus *bus);

/** Waits up to a second for what was sent to leave, then closes. All inboxes and links must be
 *  freed before. */
void bus_free(struct bus **bus);

/** 0 where an endpoint may be used: `ipc://`, loopback `tcp://`, or any where `insecure`;
 *  ERR_USAGE, with a line on stderr, otherwise. */
int bus_endpoint_allowed(const char *endpoint, int insecure);

#endif
