/*
 * The handshake messages of one direction (RFC 8446, section 4), put together from the payloads
 * of its handshake records: a message may fill many records, and a record hold many messages.
 */
#ifndef TAPLINE_EXTRACTOR_TLS_HANDSHAKE_H
#define TAPLINE_EXTRACTOR_TLS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/cursor.h"

enum tls_handshake_type { TLS_CLIENT_HELLO = 1, TLS_SERVER_HELLO = 2, TLS_CERTIFICATE = 11 };

enum { TLS_HANDSHAKE_HEADER = 4 };

struct tls_message {
    uint8_t type;
    const uint8_t *body; /* borrowed from the payload or the reader: good until it reads on */
    size_t length;
    int64_t time_ns; /* of the packet with the message's first byte, */
    uint64_t packet; /* and its number */
};

/** Reads one direction. Only messages of the types above, and within the limit, are put together;
 *  the others are passed over. The body grows with what has come, not with what is announced. */
struct tls_handshake {
    uint64_t limit; /* bytes of one message's body; set before the first read */
    uint8_t header[TLS_HANDSHAKE_HEADER];
    size_t header_length; /* how much of the header has come; 0: between two messages */
    size_t left;          /* bytes of the body that are still to come */
    bool keep;            /* the body is being put together */
    uint64_t too_long;    /* messages that were passed over because of the limit */
    struct buffer body;
    int64_t time_ns;
    uint64_t packet;
};

/**
 * Reads on in a payload that one packet carried, up to the end of a message or of the payload.
 * 0: *message is whole, and the payload may hold more; ERR_AGAIN: all of it was taken; -ENOMEM.
 */
int tls_handshake_read(struct tls_handshake *h, struct cursor *payload, int64_t time_ns,
                       uint64_t packet, struct tls_message *message);

/** Passes over bytes that were lost; false where they belong to something that is being read. */
bool tls_handshake_lose(struct tls_handshake *h, uint64_t length);

/** Gives the memory back. */
void tls_handshake_free(struct tls_handshake *h);

#endif
