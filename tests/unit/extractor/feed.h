/*
 * Feeding a protocol: streams and datagrams as events, each a packet of its own. The first packet
 * is number 1, and packet n came at n microseconds. No record may be of an earlier packet than
 * those that the protocol said it held.
 */
#ifndef TAPLINE_TESTS_FEED_H
#define TAPLINE_TESTS_FEED_H

#include <assert.h>
#include <stdlib.h>

#include "tests/unit/extractor/conversation_fake.h"

struct feed {
    const struct protocol *protocol;
    struct conversation *conversation;
    void *state;
    uint64_t packet;
    uint64_t offset[DIRECTIONS];
    uint64_t packets[DIRECTIONS];
    bool holds;
};

struct bytes {
    uint8_t *bytes;
    size_t length;
};

/* Hex digits, with blanks between bytes where they help the eye. */
static inline struct bytes from_hex(const char *hex)
{
    struct bytes b = {malloc(strlen(hex) / 2 + 1), 0};
    if (!b.bytes)
        abort();
    for (; *hex; hex += *hex == ' ' ? 1 : 2) {
        unsigned value;
        if (*hex == ' ')
            continue;
        if (sscanf(hex, "%2x", &value) != 1)
            abort();
        b.bytes[b.length++] = (uint8_t)value;
    }
    return b;
}

static inline struct feed feed_open(const struct protocol *protocol, uint8_t transport,
                                    uint16_t port)
{
    struct feed f = {.protocol = protocol, .conversation = fake_conversation(transport, port)};
    f.state = protocol->open(f.conversation);
    if (!f.state)
        abort();
    return f;
}

/* An event comes, */
static inline void feed_before(struct feed *f)
{
    if (!f->holds)
        f->conversation->least_ns = (int64_t)f->packet * 1000;
}

/* and was read. */
static inline void feed_after(struct feed *f, int error)
{
    assert(error == 0);
    (void)error;
    f->holds = f->protocol->holds && f->protocol->holds(f->state);
}

static inline void feed_data(struct feed *f, int side, const void *bytes, size_t length,
                             uint32_t flags, uint32_t missing)
{
    f->packet++;
    f->packets[side]++;
    /* A copy that ends where the bytes end, so that a sanitizer sees a read behind them. */
    uint8_t *copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    struct event_data data = {.direction = (uint8_t)side,
                              .flags = flags,
                              .offset = f->offset[side],
                              .time_ns = (int64_t)f->packet * 1000,
                              .packet = f->packet,
                              .missing = missing,
                              .bytes = copy,
                              .length = (uint32_t)length};
    feed_before(f);
    feed_after(f, f->protocol->data(f->state, &data));
    free(copy);
    f->offset[side] += f->conversation->open.transport == TRANSPORT_TCP ? length : 1;
}

/* A stream's next bytes in segments of at most `segment` bytes. */
static inline void feed_stream(struct feed *f, int side, const uint8_t *bytes, size_t length,
                               size_t segment)
{
    for (size_t at = 0; at < length; at += segment)
        feed_data(f, side, bytes + at, length - at < segment ? length - at : segment,
                  at == 0 ? TAPLINE_TURN : 0, 0);
}

static inline void feed_gap(struct feed *f, int side, uint64_t length)
{
    struct event_gap gap = {(uint8_t)side, f->offset[side], length};
    feed_before(f);
    feed_after(f, f->protocol->gap(f->state, &gap));
    f->offset[side] += length;
}

static inline void feed_close(struct feed *f)
{
    struct figures figures = {.transport = f->conversation->open.transport,
                              .packets = {f->packets[0], f->packets[1]}};
    int error = f->protocol->close(f->state, &figures);
    assert(error == 0);
    (void)error;
    f->protocol->free(&f->state);
    assert(!f->state);
}

static inline void feed_free(struct feed *f)
{
    if (f->state)
        feed_close(f);
    fake_free(f->conversation);
}

#endif
