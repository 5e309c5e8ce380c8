/*
 * Where inboxes lie: next to the lobby of their pipeline.
 */
#ifndef TAPLINE_COMMON_ENDPOINT_H
#define TAPLINE_COMMON_ENDPOINT_H

#include <stdbool.h>

#include "common/wire/presence.h"

/** The two inboxes of a worker. */
enum endpoint_inbox { ENDPOINT_DATA, ENDPOINT_CONTROL };

/**
 * Whether this can be an endpoint at all: ipc://PATH or tcp://HOST:PORT, whose port is 1 to 65535
 * or, where it is not `to_connect`, * for any. 0, or ERR_USAGE with a line on stderr.
 */
int endpoint_check(const char *endpoint, bool to_connect);

/**
 * The endpoint that one of a worker's inboxes is bound at. `given` is what the user said, or NULL:
 * beside the lobby.
 *
 *     given                 data             control
 *     ipc://PATH            ipc://PATH.data  ipc://PATH.control
 *     tcp://ADDRESS:PORT    that             the next port
 *     tcp://ADDRESS:*       any port         another one (also without ":*")
 *     NULL, ipc:// lobby    files in the lobby's folder, named after the worker and its process:
 *                           what was on its way to a worker that died must not reach the one that
 *                           takes its place
 *     NULL, tcp:// lobby    any ports of the address under which this machine reaches the lobby,
 *                           and so is reached from there
 *
 * 0, or ERR_USAGE or a negated errno, with a line on stderr.
 */
int endpoint_of(const char *given, const char *lobby, const char *name, enum endpoint_inbox inbox,
                char out[PRESENCE_ENDPOINT]);

/**
 * The endpoint that others are told for an inbox that is bound at `bound`: that one, or what
 * `advertise` says (NULL: nothing), for a machine behind a translation of addresses, or an inbox on
 * all addresses. "tcp://HOST" and "tcp://HOST:*" stand for the bound port; "tcp://HOST:PORT" for
 * that one, and the next for the control inbox. 0, or ERR_USAGE with a line on stderr: also where
 * nothing is said and nobody could connect to `bound`.
 */
int endpoint_advertised(const char *advertise, const char *bound, enum endpoint_inbox inbox,
                        char out[PRESENCE_ENDPOINT]);

/** A name that no other worker of the pipeline has: of two with one name only one counts
 *  (<tapline/wire.h>). */
void endpoint_name(const char *lobby, const char *role, char out[PRESENCE_NAME]);

/** Removes the folder of a private pipeline's sockets if it is empty: it goes with the last of its
 *  processes, also where the launcher was killed. */
void endpoint_leave(const char *lobby);

/** Does traffic of this endpoint stay on this machine: a file, or a loopback address? */
bool endpoint_is_near(const char *endpoint);

#endif
