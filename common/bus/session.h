/*
 * One attempt at one capture, as one worker takes part in it: the capture document, the stage's
 * core, and what is on its way out to other workers, in batches. Implements the outlet.
 */
#ifndef TAPLINE_COMMON_SESSION_H
#define TAPLINE_COMMON_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus/outlet.h"
#include "common/bus/peers.h"
#include "common/bus/stock.h"
#include "common/wire/capture.h"
#include "common/wire/frame.h"
#include "common/wire/message.h"
#include "common/wire/original.h"

struct session;

/** What a session uses of the process that it lives in. */
struct session_host {
    const struct bus *bus;
    struct peers *peers;
    uint64_t batch;   /* bytes after which a batch leaves */
    int64_t stall_ns; /* how long a peer may take nothing before it counts as lost */
    /** Called while a queue is full or a peer is missing: housekeeping for a moment. Not 0: give
     *  up with that. */
    int (*wait)(void *context);
    void *context;
    int64_t (*now)(void); /* monotonic, in nanoseconds */
};

/** A session for a capture document (the body of a BEGIN, copied). NULL, with *error set. */
struct session *session_new(const struct session_host *host, const struct message_head *begin,
                            struct slice document, int *error);

/** When this process began to take part, by the host's clock. */
int64_t session_began(const struct session *session);

/** The capture; its slices live as long as the session. */
const struct capture *session_capture(const struct session *session);

/** reader: packets stand in this stock, of which the capture document tells (`original`), and which
 *  lives longer than the session. Of those that do only their places are sent, to whoever can read
 *  them. */
void session_share(struct session *session, const struct stock *stock);

/** reader: takes a free piece of its stock (stock_take). NULL, with *error: ERR_AGAIN: there is none
 *  yet, after a moment in which others could go on (ask again when what they say was heard: one may
 *  have failed, who then ends no use; then what is batched is sent, too); what the host's wait
 *  returned; ERR_LOST where somebody was lost, or none came free for as long as a peer may take
 *  nothing. */
uint8_t *session_take_piece(struct session *session, struct stock *stock, int *error);

/** The others: opens the stock, where they can and the reader has one. 0, or an error that ends
 *  this attempt here. */
int session_open_stock(struct session *session);

/** What places in messages lead to; NULL: nothing that can be read here. */
const struct original *session_original(const struct session *session);

/** reader: the sink wants to hear of flows when they begin; workers that begin from here on learn
 *  so. 0 or -ENOMEM. */
int session_set_opens(struct session *session);

/** Where the core hands on; lives as long as the session. */
const struct outlet *session_outlet(const struct session *session);

/** The stage's core for this attempt; NULL until one is set. */
void session_set_core(struct session *session, void *core);
void *session_core(const struct session *session);

/** The core is gone because of this; the session only stays to know late messages by. */
void session_fail(struct session *session);
bool session_failed(const struct session *session);

/** May its sender say this? See capture_heeds. */
bool session_heeds(const struct session *session, const struct message_head *head);

/** Has a worker that this attempt fed been lost, or this very process meanwhile, or did another
 *  wait come to its limit? 0, or ERR_LOST from then on. */
int session_check(struct session *session);

/** What session_check found, or another error of this session's ended in, for people; "":
 *  nothing. */
const char *session_fault(const struct session *session);

/** Has its reader been off the roster for fifteen seconds? To be asked about once a second. */
bool session_orphaned(struct session *session, int64_t now_ns);

/** Is it this attempt? */
bool session_is(const struct session *session, uint64_t capture, uint64_t attempt);

/** Notes that the core gets this event: flows that are opened and closed here are counted. */
void session_took(struct session *session, const struct event *event);

/** Flows that were opened here and are not closed yet. */
uint64_t session_flows(const struct session *session);

/** Sends the capture document to a peer, unless it has it already. 0 or the link's error. */
int session_begin(struct session *session, uint32_t peer);

/** Adds a frame, or a clock, to the batch for a peer. 0 or the link's error. */
int session_frame(struct session *session, uint32_t peer, const struct frame *frame);
int session_clock(struct session *session, uint32_t peer, int64_t time_ns);

/** Sends one message over a peer's data inbox, behind all that was batched for it. `message` is
 *  one that message_open began; its memory is taken. 0 or the link's error. */
int session_send(struct session *session, uint32_t peer, enum tapline_kind kind,
                 struct buffer *message);

/** Sends one message over a peer's control inbox without waiting; false: it could not be taken. */
bool session_control(struct session *session, uint32_t peer, enum tapline_kind kind,
                     struct buffer *message);

/** Sends every batch that holds something. 0 or the link's error. */
int session_flush(struct session *session);

/** Drops what is batched and frees the session; the core must have been ended before. */
void session_free(struct session **session);

#endif
