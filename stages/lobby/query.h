/*
 * Asking a lobby who is there: both sides of it.
 */
#ifndef TAPLINE_LOBBY_QUERY_H
#define TAPLINE_LOBBY_QUERY_H

#include <stdint.h>

#include "common/bus/bus.h"
#include "common/wire/unpack.h"
#include "stages/lobby/lobby.h"

/** The lobby's side: takes the body of a QUERY and sends the STATUS to the endpoint in it, without
 *  waiting. 0, or the fault in the body. */
int query_answer(const struct lobby *lobby, const struct bus *bus, struct unpack *body,
                 int64_t now_ns);

/** The other side, a whole command (arguments without the program's name): asks the lobby at the
 *  endpoint that --query names, with the keys that the other options name, and prints its answer on
 *  stdout, as one JSON array of objects {"role", "name", "state" ("up", "leaving", or "silent": not
 *  heard of for 2.5 seconds), "data", "control" (endpoints), "key", "silent_ns", and the figures of
 *  common/bus/vitals.h} in the order of role and name. Returns the exit status: EXIT_PIPELINE where
 *  there was no answer within five seconds. */
int query_command(int argc, char **argv);

#endif
