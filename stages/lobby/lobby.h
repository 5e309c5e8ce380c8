/*
 * The lobby: who is there. Workers announce themselves every second; everybody is sent the
 * roster when it changes, and every second. Data never passes here.
 */
#ifndef TAPLINE_LOBBY_H
#define TAPLINE_LOBBY_H

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/bus/bus.h"
#include "common/wire/message.h"
#include "common/wire/unpack.h"

struct lobby;

/** An empty lobby, where a worker that was not heard of for `patience_ns` is lost. NULL: no
 *  memory. */
struct lobby *lobby_new(int64_t patience_ns);

/** Takes the body of an ANNOUNCE. 1: the roster changed; 0: it did not; or the fault in it. Of two
 *  workers of a role with one name the one that started later is listed. */
int lobby_announced(struct lobby *lobby, const struct message_head *head, struct unpack *body,
                    int64_t now_ns);

/** Strikes out who was not heard of; returns how many. To be called every second: time in which it
 *  was not counts against nobody. */
uint32_t lobby_expire(struct lobby *lobby, int64_t now_ns);

/** Appends the roster: the body of a ROSTER message. */
void lobby_roster(const struct lobby *lobby, struct buffer *to);

/** Appends the body of a STATUS message: who is here, since when not heard of, with what
 *  figures. */
void lobby_status(const struct lobby *lobby, int64_t now_ns, struct buffer *to);

/** Sends the roster to everybody on it over links of the lobby's own; who cannot take it now gets
 *  the next one. */
void lobby_send(struct lobby *lobby, const struct bus *bus);

/** Closes its links; NULLs the caller's pointer, and accepts NULL in it. */
void lobby_free(struct lobby **lobby);

#endif
