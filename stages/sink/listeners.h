/*
 * The connections of a tap's listeners, and whether each of them still takes what is sent. ZeroMQ
 * says that somebody has no room, but not who. The kernel does: what waits in a connection changes
 * for as long as its other side reads.
 */
#ifndef TAPLINE_SINK_LISTENERS_H
#define TAPLINE_SINK_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

struct listeners;

/** Watches who connects to a socket of the context that is not bound yet. NULL, with *error set,
 *  where that fails. To be freed before the socket is closed. */
struct listeners *listeners_new(void *context, void *socket, int *error);

/** How many there are. */
uint32_t listeners_count(struct listeners *listeners);

/** Somebody has no room: from `now_ns` (monotonic) on it is counted who takes nothing. */
void listeners_wait(struct listeners *listeners, int64_t now_ns);

/** Looks at what waits for each. Who has taken nothing for `patience_ns` is disconnected, so that
 *  nobody waits for it any more; it may come again. How many those were. */
uint32_t listeners_look(struct listeners *listeners, int64_t now_ns, int64_t patience_ns);

/** When one of them was last seen to take something, or was disconnected; or the wait began. */
int64_t listeners_moved(const struct listeners *listeners);

/** Whether, as far as the last look could see, nothing waited for anybody. */
bool listeners_served(const struct listeners *listeners);

/** Accepts NULL. */
void listeners_free(struct listeners **listeners);

#endif
