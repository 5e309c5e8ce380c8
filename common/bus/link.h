/*
 * The way to one inbox: one PUSH socket, connected to one endpoint. Messages arrive in the order
 * in which they were sent; each carries this link's next sequence number.
 */
#ifndef TAPLINE_COMMON_LINK_H
#define TAPLINE_COMMON_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/bus/bus.h"
#include "common/wire/message.h"

struct link;

/**
 * Connects to an endpoint, which need not be there yet; `key`: the public key that must be there,
 * "" where none is known (bus_connects). `waiting` is the high-water mark: how many messages may
 * wait in it. Over TCP it is made anew when the other side has not answered for five seconds (ZMTP
 * heartbeats): what was on its way then is lost. NULL, with *error set.
 */
struct link *link_new(const struct bus *bus, const char *endpoint, const char *key, int waiting,
                      int *error);

/** The same to a data inbox, where a worker that is busy answers nothing for as long as it takes:
 *  without heartbeats. Sequence numbers count up from `number` << LINK_NUMBER_SHIFT. */
struct link *link_new_data(const struct bus *bus, const char *endpoint, const char *key,
                           int waiting, uint32_t number, int *error);

/** The other side can read this process's memory: from now on messages that link_fill began lie
 *  there, and only where they do goes over the socket (lending.h). For links that link_new_data
 *  made. */
void link_lend(struct link *link);

/** Gives an empty buffer memory for a message of up to `size` bytes, where the other side can read
 *  it, if possible. 0 or -ENOMEM. */
int link_fill(struct link *link, struct buffer *message, size_t size);

/** Counts again what is with the other side (`queue_bytes` in vitals.h). */
void link_settle(struct link *link);

/** Where in a sequence number the link's own number begins (<tapline/wire.h>). */
enum { LINK_NUMBER_SHIFT = 40 };

/**
 * Sends one message that message_open began: kind, capture and attempt from `head` (the rest is
 * filled in). The buffer's memory is taken over; afterwards it is empty. Waits up to `wait_ms`
 * for room (-1: for ever). 0; ERR_AGAIN: taken, but there was no room yet, so call link_flush
 * until it says 0 before the next message; or another error: not taken.
 */
int link_send(struct link *link, const struct message_head *head, struct buffer *message,
              int wait_ms);

/** Sends what an earlier link_send found no room for. 0: nothing is held back any more;
 *  ERR_AGAIN: still no room after `wait_ms`; or a negated errno. */
int link_flush(struct link *link, int wait_ms);

/** The sequence number of the message that it took last; 0: it took none. */
uint64_t link_sequence(const struct link *link);

/** Closes; what waits has so many milliseconds to leave (bus_free waits for that). What was lent
 *  has them to come back, here and now. */
void link_free(struct link **link, int linger_ms);

/** How long a message that should still arrive may take to leave. */
enum { LINK_LINGER_MS = 1000 };

#endif
