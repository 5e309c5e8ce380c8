/*
 * Finds every "a.b.c.d:port" in a text that comes in pieces: four numbers of 0 to 255 and a port of
 * 1 to 65535, in decimal digits that are not part of a longer number.
 */
#ifndef TAPLINE_EXTRACTOR_WEBSOCKET_ADDRESSES_H
#define TAPLINE_EXTRACTOR_WEBSOCKET_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

enum {
    /* "255.255.255.255:65535" */
    WEBSOCKET_ADDRESS_TEXT = 21,
    /* More of one text are not kept. */
    WEBSOCKET_ADDRESSES_MOST = 4096,
};

/** Zeroed: at the beginning of a text, nothing found. */
struct websocket_addresses {
    char tail[WEBSOCKET_ADDRESS_TEXT + 1]; /* the last digits, dots and colons, without a break */
    size_t tail_length;
    struct buffer found; /* the addresses as they stand in the text, each with a NUL behind it */
    uint32_t count;      /* of those */
    uint64_t dropped;    /* addresses that were too many */
};

/** The next piece of the text; 0 or -ENOMEM. */
int websocket_addresses_read(struct websocket_addresses *a, const uint8_t *piece, size_t length);

/** The text is at its end: what stands last may be an address. 0 or -ENOMEM. */
int websocket_addresses_end(struct websocket_addresses *a);

/** Bytes of the text are missing here: a number that touches them is none. */
void websocket_addresses_break(struct websocket_addresses *a);

/** Forgets everything: another text begins. */
void websocket_addresses_clear(struct websocket_addresses *a);

#endif
