/*
 * What the sink's core knows of the tap: topics, numbers, and somewhere to put a message. The
 * socket is put under it by main (tap_socket.h), a test puts one that records. A core without
 * listeners is given no tap.
 */
#ifndef TAPLINE_SINK_TAP_H
#define TAPLINE_SINK_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"

enum tap_topic {
    TAP_FLOW_TCP,
    TAP_FLOW_UDP,
    TAP_HTTP,
    TAP_TLS_SNI,
    TAP_TLS_CERT,
    TAP_DNS,
    TAP_XYCDN,
    TAP_FLOW_OPEN,
    TAP_RECORD_TOPICS, /* the topics before this one are of records */
    TAP_CAPTURE = TAP_RECORD_TOPICS,
    TAP_STATS,
    TAP_TOPICS
};

/** As they stand on the wire (<tapline/tap.h>). */
extern const char *const TAP_TOPIC_NAMES[TAP_TOPICS];

struct tap {
    void *context;
    uint64_t sink; /* its sender id */
    bool opens;    /* flows are told of when they begin, too */

    /** Counts one message of the topic, whose number goes to `seq`. False: nobody subscribed, so
     *  that it need not be made. */
    bool (*number)(void *context, enum tap_topic topic, uint64_t *seq);

    /** Sends it; `map` is one msgpack map and is copied. A message that is lost is no error. */
    void (*send)(void *context, enum tap_topic topic, const struct buffer *map);

    /** How many more listeners have to come before a capture's reading may begin. */
    uint32_t (*missing)(void *context);
};

/** Begins a message: a map of `pairs` pairs, the five that every map has included (those are
 *  written). Capture 0: of none. */
void tap_open(struct buffer *map, const struct tap *tap, uint64_t capture, uint64_t attempt,
              uint64_t seq, size_t pairs);

/** What tap_open writes. */
enum { TAP_PAIRS = 5 };

#endif
