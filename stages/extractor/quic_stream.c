#include "stages/extractor/quic_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/error.h"

/* Clients that scramble their hello on purpose cut it into some ten pieces a packet. */
enum { MAX_PIECES = 128 };

/* Bytes that one packet brought. */
struct piece {
    uint64_t offset; /* in the stream */
    size_t length;
    size_t at; /* where they stand in the store */
    int64_t time_ns;
    uint64_t packet;
};

struct quic_stream {
    uint64_t limit;
    uint64_t next;                   /* the stream's first byte that was not yet handed out */
    struct piece pieces[MAX_PIECES]; /* what has come of the rest: by offset, none overlapping */
    size_t count;
    struct buffer store;   /* their bytes, in the order in which they came */
    struct buffer message; /* the bytes of the message that was handed out last */
};

struct quic_stream *quic_stream_new(uint64_t limit)
{
    struct quic_stream *stream = calloc(1, sizeof *stream);
    if (stream)
        stream->limit = limit;
    return stream;
}

void quic_stream_free(struct quic_stream **stream)
{
    if (*stream) {
        buffer_free(&(*stream)->store);
        buffer_free(&(*stream)->message);
        free(*stream);
    }
    *stream = NULL;
}

static int piece_insert(struct quic_stream *s, size_t place, struct piece piece,
                        const uint8_t *bytes)
{
    if (s->count == MAX_PIECES)
        return ERR_LIMIT;
    piece.at = s->store.length;
    if (buffer_append(&s->store, bytes, piece.length) != 0)
        return -ENOMEM;
    memmove(s->pieces + place + 1, s->pieces + place, (s->count - place) * sizeof piece);
    s->pieces[place] = piece;
    s->count++;
    return 0;
}

int quic_stream_add(struct quic_stream *s, uint64_t offset, const uint8_t *bytes, size_t length,
                    int64_t time_ns, uint64_t packet)
{
    uint64_t at = offset > s->next ? offset : s->next, end = offset + length;
    if (at < end && end - s->next > s->limit)
        return ERR_LIMIT;
    for (size_t i = 0; at < end; i++) {
        uint64_t taken_from = end, taken_to = end;
        if (i < s->count && s->pieces[i].offset < end) {
            taken_from = s->pieces[i].offset;
            taken_to = taken_from + s->pieces[i].length;
        }
        if (at < taken_from) {
            struct piece piece = {at, (size_t)(taken_from - at), 0, time_ns, packet};
            int error = piece_insert(s, i, piece, bytes + (at - offset));
            if (error)
                return error;
            i++; /* the piece that was here stands behind the new one now */
        }
        if (at < taken_to)
            at = taken_to;
    }
    return 0;
}

/* How many bytes there are from the next one on, without a hole. */
static uint64_t unbroken(const struct quic_stream *s)
{
    uint64_t end = s->next;
    for (size_t i = 0; i < s->count && s->pieces[i].offset == end; i++)
        end += s->pieces[i].length;
    return end - s->next;
}

/* Copies the next `length` bytes, which are there, in stream order. */
static int gather(struct quic_stream *s, size_t length)
{
    buffer_clear(&s->message);
    for (size_t i = 0; s->message.length < length; i++) {
        size_t more = length - s->message.length;
        if (more > s->pieces[i].length)
            more = s->pieces[i].length;
        if (buffer_append(&s->message, s->store.bytes + s->pieces[i].at, more) != 0)
            return -ENOMEM;
    }
    return 0;
}

/* Lets go of the next `length` bytes, and closes the holes that they leave in the store. */
static int advance(struct quic_stream *s, size_t length)
{
    struct buffer store = {0};
    size_t kept = 0;
    s->next += length;
    for (size_t i = 0; i < s->count; i++) {
        struct piece piece = s->pieces[i];
        size_t gone = s->next > piece.offset ? (size_t)(s->next - piece.offset) : 0;
        if (gone >= piece.length)
            continue;
        const uint8_t *bytes = s->store.bytes + piece.at + gone;
        piece.offset += gone;
        piece.length -= gone;
        piece.at = store.length;
        if (buffer_append(&store, bytes, piece.length) != 0)
            break;
        s->pieces[kept++] = piece;
    }
    s->count = kept;
    buffer_free(&s->store);
    s->store = store;
    return store.failed ? -ENOMEM : 0;
}

int quic_stream_message(struct quic_stream *s, struct tls_message *message)
{
    uint64_t have = unbroken(s);
    if (have < TLS_HANDSHAKE_HEADER)
        return ERR_AGAIN;
    if (gather(s, TLS_HANDSHAKE_HEADER) != 0)
        return -ENOMEM;
    struct cursor header = cursor_over(s->message.bytes, s->message.length);
    *message = (struct tls_message){.type = cursor_u8(&header),
                                    .length = cursor_u24(&header),
                                    .time_ns = s->pieces[0].time_ns,
                                    .packet = s->pieces[0].packet};
    size_t whole = TLS_HANDSHAKE_HEADER + message->length;
    if (whole > s->limit)
        return ERR_LIMIT;
    if (whole > have)
        return ERR_AGAIN;
    if (gather(s, whole) != 0)
        return -ENOMEM;
    message->body = s->message.bytes + TLS_HANDSHAKE_HEADER;
    return advance(s, whole);
}
