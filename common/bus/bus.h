/*
 * One process on the bus: its ZeroMQ context and who it is. Inboxes and links are opened on it.
 */
#ifndef TAPLINE_COMMON_BUS_H
#define TAPLINE_COMMON_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus/vitals.h"

struct bus;

/** A process on the bus with a fresh identity, which may open as many descriptors as the system
 *  lets it; NULL, with *error set, where that fails. */
struct bus *bus_new(int *error);

/** The random id of this process, never 0. */
uint64_t bus_sender(const struct bus *bus);

/** When it started, nanoseconds since 1970. */
uint64_t bus_epoch(const struct bus *bus);

/** Whose memory this process can read, and who can read its own (realm.h); 0: nobody. */
uint64_t bus_realm(const struct bus *bus);

/** The ZeroMQ context, for inbox.c and link.c. */
void *bus_context(const struct bus *bus);

/** What this process has counted. */
struct vitals *bus_vitals(const struct bus *bus);

/** Waits until what was sent has left, as long as each socket's own linger allows (and in all ten
 *  minutes at most; ten seconds after a signal to stop), then closes. All inboxes and links must be
 *  freed before. */
void bus_free(struct bus **bus);

/**
 * How this process's sockets beyond the machine are kept from strangers. `key`: the file of its
 * secret key, NULL: it has none; `allow`: the folder with the public keys of who may connect;
 * `insecure`: it may do without, as the user said. To be called before any socket is opened; the
 * folder is borrowed. 0, or an error, said on stderr.
 */
int bus_secure(struct bus *bus, const char *key, const char *allow, bool insecure);

/** The public key of this process; "": it has none. */
const char *bus_key(const struct bus *bus);

/**
 * Prepares a socket before it is bound (bus_accepts; `keyed_by`: the options that would give it
 * keys, as its user is told) or connected (bus_connects; `peer_key`: the public key that the other
 * side must prove; "": none is known). Files are guarded by their folder; TCP by keys, where this
 * process has one and, connecting, the other side too. 0; ERR_USAGE, with a line on stderr, where
 * this is no endpoint, or lies beyond this machine, is not guarded, and nobody said that this is
 * meant; or a negated errno.
 */
int bus_accepts(const struct bus *bus, void *socket, const char *endpoint, const char *keyed_by);
int bus_connects(const struct bus *bus, void *socket, const char *endpoint, const char *peer_key);

#endif
