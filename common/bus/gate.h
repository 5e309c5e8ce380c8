/*
 * Who may connect to this process's sockets: ZeroMQ asks this thread (its RFC 27, ZAP) about every
 * connection to a socket that has a key, and it lets in whose public key lies in a folder.
 */
#ifndef TAPLINE_COMMON_GATE_H
#define TAPLINE_COMMON_GATE_H

#include "common/wire/presence.h"

struct gate;

/** Starts it for all sockets of a ZeroMQ context, none of which may have a key before. `folder`
 *  (borrowed) holds the public keys as files NAME.pub and is looked at for each connection; NULL:
 *  nobody is let in. NULL, with *error set. */
struct gate *gate_new(void *context, const char *folder, int *error);

/** Stops it; before the context ends. */
void gate_free(struct gate **gate);

#endif
