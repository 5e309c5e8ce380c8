/*
 * The handshake bytes that a client sends in CRYPTO frames (RFC 9000, section 19.6): in any
 * order, overlapping, over many packets. Put together here, and cut into messages.
 */
#ifndef TAPLINE_EXTRACTOR_QUIC_STREAM_H
#define TAPLINE_EXTRACTOR_QUIC_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/extractor/tls_handshake.h"

struct quic_stream;

/** An empty stream that holds at most `limit` bytes, in a bounded number of pieces; NULL: no
 *  memory. It takes memory for what it holds only while it holds it. */
struct quic_stream *quic_stream_new(uint64_t limit);

/** Frees it and nulls the pointer; accepts NULL. */
void quic_stream_free(struct quic_stream **stream);

/**
 * Adds bytes that a packet carried. Of bytes that come twice the first stay. 0, -ENOMEM, or
 * ERR_LIMIT: too many bytes or pieces are waiting for those before them; these were not kept.
 */
int quic_stream_add(struct quic_stream *stream, uint64_t offset, const uint8_t *bytes,
                    size_t length, int64_t time_ns, uint64_t packet);

/**
 * The next handshake message, once it is whole, put together in `room`; the stream then goes on
 * behind it. 0, ERR_AGAIN, -ENOMEM, or ERR_LIMIT: it is longer than the limit, and nothing will
 * ever come.
 */
int quic_stream_message(struct quic_stream *stream, struct buffer *room,
                        struct tls_message *message);

/** Has anything come that was not handed out yet? */
bool quic_stream_holds(const struct quic_stream *stream);

#endif
