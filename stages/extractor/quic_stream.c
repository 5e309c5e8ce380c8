#include "stages/extractor/quic_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/error.h"

/* Clients that scramble their hello on purpose cut it into some ten pieces a packet. */
enum { FEW_PIECES = 8, MAX_PIECES = 128 };

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
    uint64_t next;        /* the stream's first byte that was not yet handed out */
    struct buffer pieces; /* struct piece each: what has come of the rest, by offset, none
                             overlapping */
    struct buffer store;  /* their bytes, in the order in which they came */
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
        buffer_free(&(*stream)->pieces);
        buffer_free(&(*stream)->store);
        free(*stream);
    }
    *stream = NULL;
}

static struct piece *pieces_of(const struct quic_stream *s)
{
    return (struct piece *)(void *)s->pieces.bytes;
}

static size_t count_of(const struct quic_stream *s)
{
    return s->pieces.length / sizeof(struct piece);
}

static int piece_insert(struct quic_stream *s, size_t place, struct piece piece,
                        const uint8_t *bytes)
{
    size_t count = count_of(s);
    if (count == MAX_PIECES)
        return ERR_LIMIT;
    piece.at = s->store.length;
    if (!s->pieces.size && !buffer_reserve(&s->pieces, FEW_PIECES * sizeof piece))
        return -ENOMEM;
    if (buffer_append(&s->store, bytes, piece.length) != 0 ||
        buffer_append(&s->pieces, &piece, sizeof piece) != 0)
        return -ENOMEM;
    struct piece *pieces = pieces_of(s);
    memmove(pieces + place + 1, pieces + place, (count - place) * sizeof piece);
    pieces[place] = piece;
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
        const struct piece *there = i < count_of(s) ? &pieces_of(s)[i] : NULL;
        if (there && there->offset < end) {
            taken_from = there->offset;
            taken_to = taken_from + there->length;
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

bool quic_stream_holds(const struct quic_stream *s)
{
    return s->pieces.length > 0;
}

/* How many bytes there are from the next one on, without a hole. */
static uint64_t unbroken(const struct quic_stream *s)
{
    const struct piece *pieces = pieces_of(s);
    uint64_t end = s->next;
    for (size_t i = 0; i < count_of(s) && pieces[i].offset == end; i++)
        end += pieces[i].length;
    return end - s->next;
}

/* Copies the next `length` bytes, which are there, in stream order. */
static int gather(const struct quic_stream *s, size_t length, struct buffer *room)
{
    buffer_clear(room);
    for (const struct piece *piece = pieces_of(s); room->length < length; piece++) {
        size_t more = length - room->length;
        if (more > piece->length)
            more = piece->length;
        if (buffer_append(room, s->store.bytes + piece->at, more) != 0)
            return -ENOMEM;
    }
    return 0;
}

/* Lets go of the next `length` bytes, and closes the holes that they leave in the store. */
static int advance(struct quic_stream *s, size_t length)
{
    struct quic_stream rest = {.limit = s->limit, .next = s->next + length};
    int error = 0;
    for (size_t i = 0; i < count_of(s) && !error; i++) {
        struct piece piece = pieces_of(s)[i];
        size_t gone = rest.next > piece.offset ? (size_t)(rest.next - piece.offset) : 0;
        if (gone >= piece.length)
            continue;
        const uint8_t *bytes = s->store.bytes + piece.at + gone;
        piece.offset += gone;
        piece.length -= gone;
        error = piece_insert(&rest, count_of(&rest), piece, bytes);
    }
    buffer_free(&s->pieces);
    buffer_free(&s->store);
    *s = rest;
    return error;
}

int quic_stream_message(struct quic_stream *s, struct buffer *room, struct tls_message *message)
{
    uint64_t have = unbroken(s);
    if (have < TLS_HANDSHAKE_HEADER)
        return ERR_AGAIN;
    if (gather(s, TLS_HANDSHAKE_HEADER, room) != 0)
        return -ENOMEM;
    struct cursor header = cursor_over(room->bytes, room->length);
    *message = (struct tls_message){.type = cursor_u8(&header),
                                    .length = cursor_u24(&header),
                                    .time_ns = pieces_of(s)->time_ns,
                                    .packet = pieces_of(s)->packet};
    size_t whole = TLS_HANDSHAKE_HEADER + message->length;
    if (whole > s->limit)
        return ERR_LIMIT;
    if (whole > have)
        return ERR_AGAIN;
    if (gather(s, whole, room) != 0)
        return -ENOMEM;
    message->body = room->bytes + TLS_HANDSHAKE_HEADER;
    return advance(s, whole);
}
