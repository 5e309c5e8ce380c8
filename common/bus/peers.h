/*
 * Who else is on this pipeline's bus: the lobby's roster as it is known here, with a link to
 * each inbox that was needed so far. A worker keeps its slot for the life of this process, so that
 * a flow can remember its peer by number; a reader, which comes for one capture, until it is gone.
 */
#ifndef TAPLINE_COMMON_PEERS_H
#define TAPLINE_COMMON_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <tapline/wire.h>

#include "common/bus/bus.h"
#include "common/bus/link.h"
#include "common/wire/message.h"
#include "common/wire/unpack.h"

struct peers;

/** No peers yet. `waiting`: the high-water mark of data links, in messages. NULL: no memory. */
struct peers *peers_new(const struct bus *bus, int waiting);

/** Takes the body of a ROSTER message: who is not on it is lost. 0, or the fault in the body. */
int peers_update(struct peers *peers, struct unpack *roster);

/** Live peers of a role. */
uint32_t peers_count(const struct peers *peers, enum tapline_role role);

/** The live peer of a role whose turn it is, as slot + 1; 0: there is none. */
uint32_t peers_choose(struct peers *peers, enum tapline_role role);

/** The peer of that sender id, as slot + 1; 0: not heard of. */
uint32_t peers_find(const struct peers *peers, uint64_t sender);

/** The sender ids of the live peers of a role, in ascending order, at most `room`; how many. */
uint32_t peers_senders(const struct peers *peers, enum tapline_role role, uint64_t *senders,
                       uint32_t room);

/** Is the peer (slot + 1) on the newest roster? */
bool peers_live(const struct peers *peers, uint32_t peer);

/** Is it on the newest roster, in this role? */
bool peers_serves(const struct peers *peers, uint32_t peer, enum tapline_role role);

/** A name for messages to people: "classifier-2", or "?" for a peer not heard of. */
const char *peers_name(const struct peers *peers, uint32_t peer);

/** How many peers of the working roles were lost since the start, and the last one's name. */
uint32_t peers_lost(const struct peers *peers, const char **last);

/** The link to a peer's data or control inbox, connected on first use. NULL: it cannot be. */
struct link *peers_data(struct peers *peers, uint32_t peer);
struct link *peers_control(struct peers *peers, uint32_t peer);

/** Notes that this message came over the data inbox; false: one before it, of the same sender,
 *  never did. */
bool peers_in_sequence(struct peers *peers, const struct message_head *head);

/** Closes every link; what waits in them still leaves where `deliver`. */
void peers_free(struct peers **peers, bool deliver);

#endif
