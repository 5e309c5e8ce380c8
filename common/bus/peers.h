/*
 * Who else is on this pipeline's bus: the lobby's roster as it is known here, with a link to
 * each inbox that was needed so far. A worker keeps its slot as long as an attempt may remember it
 * by number (peers_forget); a reader, which comes for one capture, until it is gone.
 *
 * Lost is lost: who was off the roster is never live again in its slot, and its links are closed.
 * If it comes back it has another slot and other links, and what was on its way to it is no more.
 * So it goes with everybody where this very process was struck out.
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

/**
 * Takes a ROSTER message: who is not on it is lost, unless the lobby itself is new, not longer than
 * five seconds, and may not have heard of everybody yet. A worker that was leaving has five seconds
 * for its last word (peers_parted). `now_ns` is monotonic. 0, or the fault in the body.
 */
int peers_update(struct peers *peers, const struct message_head *head, struct unpack *roster,
                 int64_t now_ns);

/** How often this very process was struck out and let in again: all others gave up what it had
 *  under way before. */
uint32_t peers_own_absences(const struct peers *peers);

/** Takes the body of a PARTED message: what the peer with this sender id had got before it went.
 *  0, or the fault in the body. */
int peers_parted(struct peers *peers, uint64_t sender, struct unpack *body);

/** Frees the slots and links of those who were gone before that moment, and ten minutes ago: no
 *  attempt under way began earlier. */
void peers_forget(struct peers *peers, int64_t before_ns);

/** Live peers of a role that take new work. */
uint32_t peers_count(const struct peers *peers, enum tapline_role role);

/** Of those, the one whose turn it is, as slot + 1; 0: there is none. */
uint32_t peers_choose(struct peers *peers, enum tapline_role role);

/** And the sender ids of all of them, in ascending order, at most `room`; how many. */
uint32_t peers_senders(const struct peers *peers, enum tapline_role role, uint64_t *senders,
                       uint32_t room);

/** The peer of that sender id, as slot + 1; 0: not heard of. */
uint32_t peers_find(const struct peers *peers, uint64_t sender);

/** How many slots there are: peers are 1 to this. */
uint32_t peers_slots(const struct peers *peers);

/** The role of a peer; 0: not heard of. */
enum tapline_role peers_role(const struct peers *peers, uint32_t peer);

/** Is the peer (slot + 1) on the newest roster? */
bool peers_live(const struct peers *peers, uint32_t peer);

/** Is it, and has not said that it leaves? */
bool peers_stays(const struct peers *peers, uint32_t peer);

/** Was it struck out? It is never live again in this slot. */
bool peers_lost(const struct peers *peers, uint32_t peer);

/** Is it on the newest roster, in this role? */
bool peers_serves(const struct peers *peers, uint32_t peer, enum tapline_role role);

/** Did it go in good order, having taken all that was sent to it from here? */
bool peers_left_in_order(const struct peers *peers, uint32_t peer);

/** Has the message's sender proved the key that it announced? Also where nobody proves any: on this
 *  machine, or where that is not wanted. */
bool peers_proved(const struct peers *peers, const struct message_head *head);

/** A name for messages to people: "classifier-2", or "?" for a peer not heard of. */
const char *peers_name(const struct peers *peers, uint32_t peer);

/** Can the peer read this process's memory, and what it has open, and be trusted with it? */
bool peers_share(const struct peers *peers, uint32_t peer);

/** The link to a peer's data or control inbox, connected on first use. NULL: it cannot be, or the
 *  peer was lost: that also frees the link, within peers_update. */
struct link *peers_data(struct peers *peers, uint32_t peer);
struct link *peers_control(struct peers *peers, uint32_t peer);

/** Counts again what is with others on this machine (link_settle). */
void peers_settle(struct peers *peers);

/** What the sequence number of a data message says. */
enum peers_sequence {
    SEQUENCE_NEXT,    /* nothing is missing */
    SEQUENCE_GAP,     /* one before it, of the same sender, never came */
    SEQUENCE_UNKNOWN, /* not the next one, but the first that came from that sender; or no roster
                         has named the sender, whose numbers say nothing of other attempts */
    SEQUENCE_LATE,    /* it comes from a link that its sender has given up for another */
};

/** Notes that this message came over the data inbox. */
enum peers_sequence peers_sequence(struct peers *peers, const struct message_head *head);

/** Says PARTED to everybody whose data messages came here: those who have attempts under way need
 *  to know. */
void peers_part(struct peers *peers);

/** Closes every link. Data that waits for somebody who is there has `linger_ms` to leave, and what
 *  waits for control inboxes a second of that at most (bus_free waits for them). */
void peers_free(struct peers **peers, int linger_ms);

#endif
