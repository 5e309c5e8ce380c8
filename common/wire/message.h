/*
 * The head of every message (<tapline/wire.h>).
 */
#ifndef TAPLINE_COMMON_MESSAGE_H
#define TAPLINE_COMMON_MESSAGE_H

#include <stdint.h>
#include <tapline/wire.h>

#include "common/base/buffer.h"
#include "common/wire/unpack.h"

struct message_head {
    enum tapline_kind kind;
    uint64_t capture; /* 0: of none */
    uint64_t attempt;
    uint64_t sender;
    uint64_t epoch;
    uint64_t sequence;
    uint64_t sent; /* nanoseconds since 1970; 0: it does not say */
    const char *proved; /* not on the wire: the public key that the sender has proved; NULL: none */
};

/** A head takes at most so many bytes. */
enum { MESSAGE_HEAD_MAX = 1 + 1 + sizeof TAPLINE_MAGIC + 7 * 9 };

/** Begins a message in an empty buffer: leaves room for the head. One msgpack value, the body,
 *  must follow. */
void message_open(struct buffer *message);

/** Writes the head right before the body of a message that message_open began, and behind it when
 *  it was sent. Returns where the message begins within the buffer, which keeps its bytes (and may
 *  have failed). */
size_t message_seal(struct buffer *message, const struct message_head *head);

/** Reads the head of the message that `from` holds; `from` then stands at the body. 0; ERR_VERSION
 *  where the other side speaks another wire version; ERR_TRUNCATED or ERR_MALFORMED where it is no
 *  message of ours. */
int message_head_unpack(struct unpack *from, struct message_head *head);

#endif
