/*
 * The tap's socket: an XPUB socket that listeners connect to (<tapline/tap.h>), and who subscribed
 * to what.
 */
#ifndef TAPLINE_SINK_TAP_SOCKET_H
#define TAPLINE_SINK_TAP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/opts.h"
#include "common/bus/bus.h"
#include "stages/sink/tap.h"

struct tap_socket;

struct tap_options {
    const char *endpoint; /* NULL: no tap */
    const char *policy;   /* what becomes of a message that a listener has no room for: "drop" or
                             "block" */
    uint64_t queue;       /* bytes that may wait for one listener */
    int64_t patience_ns;  /* with "block": who takes nothing for so long is disconnected */
    uint64_t wait;        /* listeners that a capture's reading waits for */
    bool opens;           /* publish flows when they begin, too */
};

extern const struct tap_options TAP_OPTIONS_DEFAULT;

/** One option for each field. */
extern const struct opt TAP_OPTS[];
extern const size_t TAP_OPTS_COUNT;

/** Binds the tap; the options are borrowed for its life. Waits for a while, unless a signal ends
 *  that (ERR_STOPPED), where another program has its port. NULL, with *error set and a line on
 *  stderr, where an option or the endpoint cannot be used. */
struct tap_socket *tap_socket_new(const struct bus *bus, const struct tap_options *options,
                                  int *error);

/** What the cores are given; lives as long as the socket. */
const struct tap *tap_socket_tap(const struct tap_socket *tap);

/** The socket, to wait on: it can be read when subscriptions come. */
void *tap_socket_handle(const struct tap_socket *tap);

/** Takes in the subscriptions that have come. Never waits. */
void tap_socket_serve(struct tap_socket *tap);

/** About once a second: publishes `stats`. `now_ns` is monotonic. */
void tap_socket_tick(struct tap_socket *tap, int64_t now_ns);

/** Gives listeners a moment to take what waits for them, with "block" as long as they take
 *  anything, and closes. Accepts NULL. */
void tap_socket_free(struct tap_socket **tap);

#endif
