#include "stages/extractor/body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* zlib's windowBits for each wrapping; RFC 1951 allows distances of up to 32 KiB. */
enum { WINDOW = 15, WINDOW_GZIP = 16 + WINDOW, WINDOW_RAW = -WINDOW };

enum body_coding body_coding_named(const uint8_t *value, size_t length)
{
    static const struct {
        const char *name;
        enum body_coding coding;
    } known[] = {{"gzip", BODY_GZIP}, {"x-gzip", BODY_GZIP}, {"deflate", BODY_DEFLATE}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].name) == length &&
            strncasecmp(known[i].name, (const char *)value, length) == 0)
            return known[i].coding;
    return BODY_PLAIN;
}

void body_settle(struct body *body)
{
    if (body->inflate)
        inflateEnd(body->inflate);
    free(body->inflate);
    body->inflate = NULL;
    body->settled = true;
}

/* A zlib header names method 8 in its first byte; a bare stream that begins so would be a stored
 * block with a set padding bit, which no compressor writes. */
static int window_for(enum body_coding coding, uint8_t first)
{
    if (coding == BODY_GZIP)
        return WINDOW_GZIP;
    return (first & 0x0f) == Z_DEFLATED ? WINDOW : WINDOW_RAW;
}

static int decoder_begin(struct body *body, uint8_t first)
{
    body->inflate = calloc(1, sizeof *body->inflate);
    if (!body->inflate)
        return -ENOMEM;
    if (inflateInit2(body->inflate, window_for(body->coding, first)) != Z_OK) {
        free(body->inflate);
        body->inflate = NULL;
        return -ENOMEM;
    }
    return 0;
}

static int keep_plain(struct body *body, const uint8_t *bytes, size_t length)
{
    size_t room = BODY_KEPT - body->kept.length;
    int error = buffer_append(&body->kept, bytes, length < room ? length : room);
    if (body->kept.length == BODY_KEPT)
        body_settle(body);
    return error;
}

/* Decodes into the room that is left, until the bytes, the room or the coding ends. */
static int keep_decoded(struct body *body, const uint8_t *bytes, size_t length)
{
    int error = body->inflate ? 0 : decoder_begin(body, bytes[0]);
    uint8_t *room = error ? NULL : buffer_reserve(&body->kept, BODY_KEPT - body->kept.length);
    if (!room)
        return -ENOMEM;
    z_stream *z = body->inflate;
    z->next_in = (z_const Bytef *)(uintptr_t)bytes;
    z->avail_in = (uInt)length;
    z->next_out = room;
    z->avail_out = (uInt)(BODY_KEPT - body->kept.length);
    int result = Z_OK;
    while (result == Z_OK && z->avail_in && z->avail_out) {
        result = inflate(z, Z_SYNC_FLUSH);
        if (result == Z_STREAM_END && body->coding == BODY_GZIP)
            result = inflateReset(z); /* another member may follow */
    }
    body->kept.length = (size_t)(z->next_out - body->kept.bytes);
    if ((result != Z_OK && result != Z_BUF_ERROR) || body->kept.length == BODY_KEPT)
        body_settle(body);
    return result == Z_MEM_ERROR ? -ENOMEM : 0;
}

int body_add(struct body *body, const uint8_t *bytes, size_t length)
{
    if (body->hole || length == 0)
        return 0;
    body->came += length;
    if (body->settled)
        return 0;
    if (body->coding == BODY_PLAIN)
        return keep_plain(body, bytes, length);
    return keep_decoded(body, bytes, length);
}

void body_hole(struct body *body)
{
    body->hole = true;
    body_settle(body);
}

bool body_sated(const struct body *body)
{
    return body->hole || (body->settled && body->came >= BODY_KEPT);
}

bool body_torn(const struct body *body)
{
    return body->hole && body->came < BODY_KEPT;
}

void body_free(struct body *body)
{
    body_settle(body);
    buffer_free(&body->kept);
    *body = (struct body){0};
}
