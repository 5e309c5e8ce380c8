#include "stages/extractor/tls_handshake.h"

#include <errno.h>

#include "common/base/error.h"
#include "common/wire/unpack.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void header_read(struct tls_handshake *h)
{
    struct cursor header = cursor_over(h->header, sizeof h->header);
    uint8_t type = cursor_u8(&header);
    h->left = cursor_u24(&header);
    h->keep = type == TLS_CLIENT_HELLO || type == TLS_SERVER_HELLO || type == TLS_CERTIFICATE;
    if (h->keep && h->left > h->limit) {
        h->keep = false;
        h->too_long++;
    }
    buffer_clear(&h->body);
}

/* Reads on in the body, and gives what has come of it: where it stands, if that is all of it. */
static int body_read(struct tls_handshake *h, struct cursor *payload, struct slice *body)
{
    size_t length = smaller(h->left, cursor_left(payload));
    const uint8_t *bytes = cursor_take(payload, length);
    h->left -= length;
    *body = (struct slice){bytes, length};
    if (!h->keep || (h->left == 0 && h->body.length == 0))
        return 0;
    int error = buffer_append(&h->body, bytes, length);
    *body = (struct slice){h->body.bytes, h->body.length};
    return error;
}

int tls_handshake_read(struct tls_handshake *h, struct cursor *payload, int64_t time_ns,
                       uint64_t packet, struct tls_message *message)
{
    while (cursor_left(payload) > 0) {
        if (h->header_length == 0) {
            h->time_ns = time_ns;
            h->packet = packet;
        }
        if (h->header_length < sizeof h->header) {
            h->header[h->header_length++] = cursor_u8(payload);
            if (h->header_length < sizeof h->header)
                continue;
            header_read(h);
        }
        struct slice body;
        if (body_read(h, payload, &body) != 0)
            return -ENOMEM;
        if (h->left > 0)
            continue;
        h->header_length = 0;
        if (!h->keep)
            continue;
        *message = (struct tls_message){.type = h->header[0],
                                        .body = body.bytes,
                                        .length = body.length,
                                        .time_ns = h->time_ns,
                                        .packet = h->packet};
        return 0;
    }
    return ERR_AGAIN;
}

bool tls_handshake_lose(struct tls_handshake *h, uint64_t length)
{
    if (h->header_length < sizeof h->header || h->keep || h->left < length)
        return false;
    h->left -= length;
    if (h->left == 0)
        h->header_length = 0;
    return true;
}

void tls_handshake_free(struct tls_handshake *h)
{
    buffer_free(&h->body);
}
