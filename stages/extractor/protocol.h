/*
 * A protocol that the extractor understands: one file exports one of these, extractor.c lists
 * them. To change a protocol is to touch its file.
 */
#ifndef TAPLINE_EXTRACTOR_PROTOCOL_H
#define TAPLINE_EXTRACTOR_PROTOCOL_H

#include <stdbool.h>

#include "common/wire/event.h"
#include "stages/extractor/conversation.h"

/**
 * State is made for one flow (or for what runs inside of one). Functions return 0, or a negative
 * code that ends the capture's attempt: no memory, or the outlet failed. What the traffic holds
 * is never an error.
 */
struct protocol {
    const char *name;

    /** The state of one flow; NULL: no memory. The conversation outlives it. */
    void *(*open)(struct conversation *conversation);

    /** The next bytes of a direction, in stream order, or a datagram. */
    int (*data)(void *state, const struct event_data *data);

    /** Bytes that the capture lost; NULL where the protocol runs over datagrams only. */
    int (*gap)(void *state, const struct event_gap *gap);

    /** Asked after each of these: is there anything that came before, and may still become a record
     *  that is placed by its packet's time (DNS, SNI, CERT)? NULL: there never is. */
    bool (*holds)(const void *state);

    /** The flow has ended: send the records that were waiting for that, leave the last notes. */
    int (*close)(void *state, const struct figures *figures);

    /** Frees the state and nulls the pointer; accepts NULL. */
    void (*free)(void **state);
};

extern const struct protocol protocol_http;
extern const struct protocol protocol_tls;
extern const struct protocol protocol_quic;
extern const struct protocol protocol_dns;

#endif
