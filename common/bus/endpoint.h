/*
 * Where inboxes lie: next to the lobby of their pipeline.
 */
#ifndef TAPLINE_COMMON_ENDPOINT_H
#define TAPLINE_COMMON_ENDPOINT_H

#include <stdbool.h>

#include "common/wire/presence.h"

/**
 * The endpoint of an inbox for a process that joins `lobby`: a file of that name in the lobby's
 * folder (`ipc://`), or any port of the address under which this machine reaches the lobby, and so
 * is reached from there (`tcp://`). 0; ERR_USAGE where `lobby` is no endpoint; ERR_LIMIT where it
 * is too long; a negated errno where the host has no address or no way leads there.
 */
int endpoint_beside(const char *lobby, const char *name, char out[PRESENCE_ENDPOINT]);

/**
 * The endpoint of one of a worker's inboxes, `which`: "data" or "control". `given` is what the user
 * said (an address, or the beginning of a file's name), or NULL: beside the lobby; the file's name
 * holds the process's id then, as what was on its way to a worker that died must not reach the one
 * that takes its place. 0, or as endpoint_beside.
 */
int endpoint_of(const char *given, const char *lobby, const char *name, const char *which,
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
