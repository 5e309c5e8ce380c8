/*
 * TLS 1.0 to 1.3, and the hellos of SSL 2 and 3, over a stream: the record layer (RFC 8446,
 * section 5.1; RFC 5246, section 6.2), each direction by itself. What is read are the plaintext
 * handshakes; a direction is over as soon as nothing more in it can be one. The client is whoever
 * sends a ClientHello: in a tunnel, or between peers, that can be either side.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/cursor.h"
#include "common/base/error.h"
#include "stages/extractor/protocol.h"
#include "stages/extractor/tls_handshake.h"
#include "stages/extractor/tls_report.h"
#include "stages/extractor/tls_server_hello.h"

enum content_type {
    CHANGE_CIPHER_SPEC = 20,
    ALERT = 21,
    HANDSHAKE = 22,
    APPLICATION_DATA = 23,
    HEARTBEAT = 24,
};

enum {
    RECORD_HEADER = 5,
    LONGEST_RECORD = (1 << 14) + 2048, /* RFC 5246, section 6.2.3 */

    /* An SSL 2 record (RFC 5246, appendix E.2): two bytes of length with the highest bit set; then
     * the message, whose type stands first. */
    SSL2_HEADER = 2,
    SSL2_CLIENT_HELLO = 1,
    SSL2_SERVER_HELLO = 4,
    SSL2_SHORTEST_HELLO = 9,

    /* A client's early data stands before its second hello (RFC 8446, section 4.2.10): so many
     * records of it are looked behind. */
    EARLY_RECORDS = 64,

    /* To decline fewer bytes costs more than to take them. */
    WORTH_DECLINING = 4096,
};

struct direction {
    bool begun;
    bool over;
    bool first_read;   /* the first record's header has been read */
    bool sealed;       /* a ChangeCipherSpec went by: only a ClientHello is plaintext now */
    uint64_t offset;   /* of the stream's next byte */
    uint64_t declined; /* up to here bytes were declined */
    unsigned early;    /* records of application data so far */
    uint8_t header[RECORD_HEADER];
    size_t header_length; /* how much of the record's header has come */
    uint8_t type;         /* of the record, */
    size_t left;          /* and what is still to come of its payload */
    struct tls_handshake handshake;
};

struct tls {
    struct conversation *conversation;
    struct direction directions[DIRECTIONS];
};

static void *tls_open(struct conversation *conversation)
{
    struct tls *tls = pool_take(conversation_pool(conversation, POOL_TLS), sizeof *tls);
    if (!tls)
        return NULL;
    *tls = (struct tls){.conversation = conversation};
    for (int side = 0; side < DIRECTIONS; side++)
        tls->directions[side].handshake.limit = conversation_limits(conversation)->handshake;
    return tls;
}

static void tls_free(void **state)
{
    struct tls *tls = *state;
    if (!tls)
        return;
    for (int side = 0; side < DIRECTIONS; side++)
        tls_handshake_free(&tls->directions[side].handshake);
    pool_put(conversation_pool(tls->conversation, POOL_TLS), tls);
    *state = NULL;
}

static void end(struct tls *tls, int side)
{
    struct direction *d = &tls->directions[side];
    d->over = true;
    tls_handshake_free(&d->handshake);
    conversation_want(tls->conversation, side, TAPLINE_WANT_NOTHING, 0);
}

static int message(struct tls *tls, int side, const struct tls_message *m)
{
    struct client_hello hello;
    switch (m->type) {
    case TLS_CLIENT_HELLO:
        if (client_hello_parse(m->body, m->length, &hello) != 0)
            return 0;
        return tls_report_hello(tls->conversation, &hello, m, side, false);
    case TLS_SERVER_HELLO:
        if (tls_server_hello_last(m->body, m->length))
            end(tls, side);
        return 0;
    case TLS_CERTIFICATE: return tls_report_certificates(tls->conversation, m, side);
    default: return 0;
    }
}

static int handshake(struct tls *tls, int side, struct cursor payload,
                     const struct event_data *data)
{
    struct direction *d = &tls->directions[side];
    bool boundary = d->handshake.header_length == 0 && cursor_left(&payload) > 0;
    if (d->sealed && boundary && *payload.at != TLS_CLIENT_HELLO) {
        end(tls, side);
        return 0;
    }
    while (!d->over) {
        struct tls_message m;
        int error = tls_handshake_read(&d->handshake, &payload, data->time_ns, data->packet, &m);
        if (error)
            return error == ERR_AGAIN ? 0 : error;
        error = message(tls, side, &m);
        if (error)
            return error;
    }
    return 0;
}

/* A client's SSL 2 hello carries no name: it is passed over, and where the server knows TLS,
 * records of TLS follow. A server that does not sends a certificate in its own hello. */
static bool ssl2_hello(struct direction *d)
{
    size_t length = (size_t)(d->header[0] & 0x7f) << 8 | d->header[1];
    uint8_t type = d->header[SSL2_HEADER];
    bool is = d->header[0] & 0x80 && (type == SSL2_CLIENT_HELLO || type == SSL2_SERVER_HELLO) &&
              length >= SSL2_SHORTEST_HELLO;
    if (is) {
        d->type = type;
        d->left = length - (RECORD_HEADER - SSL2_HEADER);
    }
    return is;
}

/* The rest of a server's SSL 2 hello, which is put together where handshake messages are. */
static int ssl2_server(struct tls *tls, int side, struct cursor payload)
{
    struct direction *d = &tls->directions[side];
    size_t length = cursor_left(&payload);
    if (buffer_append(&d->handshake.body, cursor_take(&payload, length), length) != 0)
        return -ENOMEM;
    if (d->left > 0)
        return 0;
    struct tls_message m = {.body = d->handshake.body.bytes,
                            .length = d->handshake.body.length,
                            .time_ns = d->handshake.time_ns,
                            .packet = d->handshake.packet};
    int error = tls_report_ssl2_server(tls->conversation, &m, side);
    end(tls, side);
    return error;
}

/* Takes up the record whose header is there; false: this is no TLS, or nothing to read any more. */
static bool record_begin(struct direction *d)
{
    bool first = !d->first_read;
    d->first_read = true;
    if (first && ssl2_hello(d))
        return true;
    struct cursor header = cursor_over(d->header, sizeof d->header);
    d->type = cursor_u8(&header);
    uint8_t major = cursor_u8(&header), minor = cursor_u8(&header);
    d->left = cursor_u16(&header);
    if (major != 3 || minor > 4 || d->left > LONGEST_RECORD)
        return false;
    switch (d->type) {
    case HANDSHAKE: return true;
    case CHANGE_CIPHER_SPEC: d->sealed = true; break;
    case APPLICATION_DATA:
        if (++d->early > EARLY_RECORDS)
            return false;
        break;
    case ALERT:
    case HEARTBEAT: break;
    default: return false;
    }
    return d->handshake.header_length == 0; /* none of these stands within a handshake message */
}

static void payload_passed(struct direction *d, size_t length)
{
    d->left -= length;
    if (d->left == 0)
        d->header_length = 0;
}

static int read_on(struct tls *tls, const struct event_data *data, struct cursor *in)
{
    struct direction *d = &tls->directions[data->direction];
    if (d->header_length < RECORD_HEADER) {
        if (!d->first_read && d->header_length == SSL2_HEADER) { /* a message of SSL 2 begins */
            d->handshake.time_ns = data->time_ns;
            d->handshake.packet = data->packet;
        }
        d->header[d->header_length++] = cursor_u8(in);
        if (d->header_length < RECORD_HEADER)
            return 0;
        if (!record_begin(d)) {
            end(tls, data->direction);
            return 0;
        }
    }
    size_t length = d->left < cursor_left(in) ? d->left : cursor_left(in);
    struct cursor payload = cursor_slice(in, length);
    payload_passed(d, length);
    switch (d->type) {
    case HANDSHAKE: return handshake(tls, data->direction, payload, data);
    case SSL2_SERVER_HELLO: return ssl2_server(tls, data->direction, payload);
    default: return 0;
    }
}

/* Passes over bytes that will not come: lost ones, or such as were declined. */
static void pass_over(struct tls *tls, int side, uint64_t length)
{
    struct direction *d = &tls->directions[side];
    d->offset += length;
    bool unread =
        d->header_length == RECORD_HEADER && length <= d->left && d->type != SSL2_SERVER_HELLO;
    if (unread && d->type == HANDSHAKE)
        unread = tls_handshake_lose(&d->handshake, length);
    if (unread)
        payload_passed(d, (size_t)length);
    else
        end(tls, side);
}

static void decline_rest(struct tls *tls, int side)
{
    struct direction *d = &tls->directions[side];
    uint64_t record_end = d->offset + d->left;
    bool read = d->type == HANDSHAKE || d->type == SSL2_SERVER_HELLO;
    if (d->over || d->header_length < RECORD_HEADER || read || d->left < WORTH_DECLINING ||
        d->declined == record_end)
        return;
    d->declined = record_end;
    conversation_want(tls->conversation, side, TAPLINE_WANT_FROM, record_end);
}

static int tls_data(void *state, const struct event_data *data)
{
    struct tls *tls = state;
    struct direction *d = &tls->directions[data->direction];
    if (!d->begun) {
        d->begun = true;
        d->offset = data->offset;
    }
    if (!d->over && data->offset > d->offset)
        pass_over(tls, data->direction, data->offset - d->offset);
    struct cursor in = cursor_over(data->bytes, data->length);
    if (data->offset < d->offset)
        cursor_skip(&in, d->offset - data->offset);
    d->offset += cursor_left(&in);
    while (!d->over && cursor_left(&in) > 0) {
        int error = read_on(tls, data, &in);
        if (error)
            return error;
    }
    decline_rest(tls, data->direction);
    return 0;
}

static int tls_gap(void *state, const struct event_gap *gap)
{
    struct tls *tls = state;
    struct direction *d = &tls->directions[gap->direction];
    uint64_t behind = gap->offset + gap->length;
    if (d->over || (d->begun && behind <= d->offset))
        return 0;
    if (!d->begun)
        end(tls, gap->direction); /* nobody knows where a record begins */
    else
        pass_over(tls, gap->direction, behind - d->offset);
    return 0;
}

/* Part of a handshake message; or of the first record's header, where one of SSL 2 may begin. */
static bool tls_holds(const void *state)
{
    const struct tls *tls = state;
    for (int side = 0; side < DIRECTIONS; side++) {
        const struct direction *d = &tls->directions[side];
        bool first = d->header_length && (!d->first_read || d->type == SSL2_SERVER_HELLO);
        if (!d->over && (first || d->handshake.header_length))
            return true;
    }
    return false;
}

static int tls_close(void *state, const struct figures *figures)
{
    struct tls *tls = state;
    (void)figures;
    for (int side = 0; side < DIRECTIONS; side++)
        conversation_cost(tls->conversation, COST_HANDSHAKE,
                          tls->directions[side].handshake.too_long);
    return 0;
}

const struct protocol protocol_tls = {
    .name = "tls",
    .open = tls_open,
    .data = tls_data,
    .gap = tls_gap,
    .holds = tls_holds,
    .close = tls_close,
    .free = tls_free,
};
