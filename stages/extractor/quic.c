/*
 * QUIC: the ClientHellos in the Initial packets of either side (RFC 9000, 9001, 9369). A client's
 * connection is known by the id that its first Initial was sent to, from which the keys
 * come. A few connections a direction are remembered: a client may start anew on the same
 * ports, and packets of the old connection may still follow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/error.h"
#include "stages/extractor/algorithms.h"
#include "stages/extractor/protocol.h"
#include "stages/extractor/quic_crypto.h"
#include "stages/extractor/quic_packet.h"
#include "stages/extractor/quic_stream.h"
#include "stages/extractor/tls_report.h"

enum {
    CONNECTIONS = 4,

    /* A direction is over after so many datagrams on end without an Initial packet, */
    QUIET_AFTER_HELLO = 16, /* where a hello of the flow has been read, */
    QUIET_BEFORE = 256,     /* and where none has: it may come late. */
};

/* A connection id (RFC 9000, section 5.1). */
struct id {
    uint8_t bytes[QUIC_LONGEST_ID];
    size_t length;
};

struct connection {
    const struct quic_version *version; /* of the keys */
    struct id id;                       /* what the keys come from */
    struct id client;                   /* what its packets call the client; may be empty */
    struct quic_keys keys;
    struct quic_stream *stream;  /* NULL: nothing is known here */
    uint64_t used;               /* when a packet was opened last, on the direction's clock */
    bool broken;                 /* what its stream holds is no handshake, or breaks a limit */
    bool greeted;                /* its first hello was read, */
    uint8_t hello[SHA256_BYTES]; /* and this is its SHA-256 */
};

struct direction {
    bool over;
    unsigned quiet; /* datagrams on end without an Initial packet */
    uint64_t clock; /* Initial packets opened */
    struct connection connections[CONNECTIONS];
};

struct quic {
    struct conversation *conversation;
    struct direction directions[DIRECTIONS];
    bool hello_read;
};

static void *quic_flow_open(struct conversation *conversation)
{
    struct quic *quic = pool_take(conversation_pool(conversation, POOL_QUIC), sizeof *quic);
    if (quic)
        *quic = (struct quic){.conversation = conversation};
    return quic;
}

static void forget(struct direction *d)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        quic_stream_free(&d->connections[i].stream);
}

static void quic_flow_free(void **state)
{
    struct quic *quic = *state;
    if (quic) {
        for (int side = 0; side < DIRECTIONS; side++)
            forget(&quic->directions[side]);
        pool_put(conversation_pool(quic->conversation, POOL_QUIC), quic);
    }
    *state = NULL;
}

/* A client that is told to retry sends the very same hello again, to another id (RFC 9000, section
 * 17.2.5.3). Says whether this one was read before, and remembers it as the connection's. */
static int hello_repeated(struct direction *d, struct connection *c, const struct tls_message *m,
                          bool *repeated)
{
    *repeated = false;
    if (c->greeted)
        return 0;
    int error = algorithms_sha256(m->body, m->length, c->hello);
    if (error)
        return error;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        const struct connection *other = &d->connections[i];
        if (other->stream && other->greeted && memcmp(other->hello, c->hello, SHA256_BYTES) == 0)
            *repeated = true;
    }
    c->greeted = true;
    return 0;
}

static int hello_read(struct quic *quic, int side, struct connection *c,
                      const struct tls_message *m)
{
    struct client_hello hello;
    bool repeated;
    if (m->type != TLS_CLIENT_HELLO || client_hello_parse(m->body, m->length, &hello) != 0) {
        c->broken = true;
        return 0;
    }
    quic->hello_read = true;
    int error = hello_repeated(&quic->directions[side], c, m, &repeated);
    if (error || repeated)
        return error;
    return tls_report_hello(quic->conversation, &hello, m, side, true);
}

static int payload_read(struct quic *quic, const struct event_data *data, struct connection *c,
                        struct cursor payload)
{
    struct quic_crypto_frame frame;
    int error = 0;
    while (!error && !c->broken && quic_crypto_frame_next(&payload, &frame))
        error = quic_stream_add(c->stream, frame.offset, frame.bytes, frame.length, data->time_ns,
                                data->packet);
    while (!error && !c->broken) {
        struct tls_message m;
        error = quic_stream_message(c->stream, conversation_room(quic->conversation, ROOM_MESSAGE),
                                    &m);
        if (!error)
            error = hello_read(quic, data->direction, c, &m);
    }
    if (error == ERR_LIMIT) {
        c->broken = true;
        conversation_cost(quic->conversation, COST_QUIC, 1);
    }
    return error == ERR_LIMIT || error == ERR_AGAIN ? 0 : error;
}

/* Opens a packet with a connection's keys. A client that changes its version in the middle of the
 * handshake keeps the id (RFC 9369, section 4.1). */
static int packet_open(struct connection *c, const struct quic_packet *packet,
                       struct buffer *payload)
{
    if (c->version != packet->version) {
        struct quic_keys keys;
        int error = quic_keys_derive(&keys, packet->version, c->id.bytes, c->id.length);
        if (error)
            return error;
        c->version = packet->version;
        c->keys = keys;
    }
    buffer_clear(payload);
    if (!buffer_reserve(payload, packet->length))
        return -ENOMEM;
    return quic_open(&c->keys, packet, payload->bytes, &payload->length);
}

static struct id id_of(const uint8_t *bytes, size_t length)
{
    struct id id = {.length = length <= QUIC_LONGEST_ID ? length : 0};
    memcpy(id.bytes, bytes, id.length);
    return id;
}

/* Does this packet go to a client that the other side is known to be? A server's packets do, and no
 * keys that come from the id that they are sent to open them. */
static bool answers_client(const struct quic *quic, int direction, const struct quic_packet *packet)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        const struct connection *asked = &quic->directions[!direction].connections[i];
        if (asked->stream && asked->client.length == packet->id_length &&
            memcmp(asked->client.bytes, packet->id, packet->id_length) == 0)
            return true;
    }
    return false;
}

/* A connection that this packet may begin, in the place of the one that was used least lately. */
static int connection_begin(struct quic *quic, int direction, const struct quic_packet *packet,
                            struct buffer *payload, struct connection **begun)
{
    struct direction *d = &quic->directions[direction];
    struct connection fresh = {.id = id_of(packet->id, packet->id_length),
                               .client = id_of(packet->source, packet->source_length)};
    struct connection *place = d->connections;
    if (packet->id_length == 0 || answers_client(quic, direction, packet))
        return ERR_MALFORMED; /* a server's packet */
    int error = packet_open(&fresh, packet, payload);
    if (error)
        return error;
    fresh.stream = quic_stream_new(conversation_limits(quic->conversation)->quic_crypto);
    if (!fresh.stream)
        return -ENOMEM;
    for (size_t i = 1; i < CONNECTIONS; i++)
        if (d->connections[i].used < place->used)
            place = &d->connections[i];
    quic_stream_free(&place->stream);
    *place = fresh;
    *begun = place;
    return 0;
}

static int initial_read(struct quic *quic, const struct event_data *data,
                        const struct quic_packet *packet)
{
    struct direction *d = &quic->directions[data->direction];
    struct buffer *payload = conversation_room(quic->conversation, ROOM_PACKET);
    struct connection *c = NULL;
    int error = ERR_MALFORMED;
    for (size_t i = 0; i < CONNECTIONS && error == ERR_MALFORMED; i++) {
        c = &d->connections[i];
        if (c->stream)
            error = packet_open(c, packet, payload);
    }
    if (error == ERR_MALFORMED)
        error = connection_begin(quic, data->direction, packet, payload, &c);
    if (error)
        return error == ERR_MALFORMED ? 0 : error;
    c->used = ++d->clock;
    return payload_read(quic, data, c, cursor_over(payload->bytes, payload->length));
}

static int quic_data(void *state, const struct event_data *data)
{
    struct quic *quic = state;
    struct direction *d = &quic->directions[data->direction];
    struct cursor datagram = cursor_over(data->bytes, data->length);
    struct quic_packet packet;
    bool quiet = true;
    if (d->over)
        return 0;
    while (quic_packet_next(&datagram, &packet)) {
        if (!packet.initial)
            continue;
        quiet = false;
        int error = initial_read(quic, data, &packet);
        if (error)
            return error;
    }
    d->quiet = quiet ? d->quiet + 1 : 0;
    if (d->quiet >= (quic->hello_read ? QUIET_AFTER_HELLO : QUIET_BEFORE)) {
        d->over = true;
        forget(d);
        conversation_want(quic->conversation, data->direction, TAPLINE_WANT_NOTHING, 0);
    }
    return 0;
}

static bool quic_holds(const void *state)
{
    const struct quic *quic = state;
    for (int side = 0; side < DIRECTIONS; side++)
        for (size_t i = 0; i < CONNECTIONS; i++) {
            const struct connection *c = &quic->directions[side].connections[i];
            if (c->stream && !c->broken && quic_stream_holds(c->stream))
                return true;
        }
    return false;
}

static int quic_close(void *state, const struct figures *figures)
{
    (void)state;
    (void)figures;
    return 0;
}

const struct protocol protocol_quic = {
    .name = "quic",
    .open = quic_flow_open,
    .data = quic_data,
    .gap = NULL,
    .holds = quic_holds,
    .close = quic_close,
    .free = quic_flow_free,
};
