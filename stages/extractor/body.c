#include "stages/extractor/body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* zlib's windowBits for each wrapping; RFC 1951 allows distances of up to 32 KiB. */
enum { WINDOW = 15, WINDOW_GZIP = 16 + WINDOW, WINDOW_RAW = -WINDOW };

/* What codings hand to each other is bounded: those within could turn it into nothing, and a few
 * bytes into hours of work. What is kept never takes as much. */
enum { BETWEEN_MOST = 16 * BODY_KEPT };

static enum body_coding coding_named(const uint8_t *name, size_t length)
{
    static const struct {
        const char *name;
        enum body_coding coding;
    } known[] = {{"gzip", BODY_GZIP},      {"x-gzip", BODY_GZIP},   {"deflate", BODY_DEFLATE},
                 {"identity", BODY_PLAIN}, {"chunked", BODY_PLAIN}, {"", BODY_PLAIN}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].name) == length &&
            strncasecmp(known[i].name, (const char *)name, length) == 0)
            return known[i].coding;
    return BODY_FOREIGN;
}

static void note_coding(struct body *body, enum body_coding coding)
{
    if (coding == BODY_PLAIN)
        return;
    if (coding == BODY_FOREIGN) {
        body->codings = 0;
        return;
    }
    if (body->codings == BODY_CODINGS) {
        memmove(body->coding, body->coding + 1, sizeof body->coding - sizeof body->coding[0]);
        body->codings--;
    }
    body->coding[body->codings++] = coding;
}

void body_note_codings(struct body *body, const uint8_t *value, size_t length)
{
    const uint8_t *end = value + length;
    for (const uint8_t *at = value; at <= end;) {
        const uint8_t *comma = memchr(at, ',', (size_t)(end - at)), *last = comma ? comma : end;
        const uint8_t *behind = last + 1;
        while (at < last && (*at == ' ' || *at == '\t'))
            at++;
        while (at < last && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        note_coding(body, coding_named(at, (size_t)(last - at)));
        at = behind;
    }
}

void body_settle(struct body *body)
{
    for (unsigned i = 0; i < body->codings; i++) {
        if (body->inflate[i])
            inflateEnd(body->inflate[i]);
        free(body->inflate[i]);
        body->inflate[i] = NULL;
    }
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

/* The decoder of one coding, whose first byte is this one; NULL: no memory. */
static z_stream *decoder(struct body *body, unsigned which, uint8_t first)
{
    if (body->inflate[which])
        return body->inflate[which];
    z_stream *z = calloc(1, sizeof *z);
    if (!z || inflateInit2(z, window_for(body->coding[which], first)) != Z_OK) {
        free(z);
        return NULL;
    }
    return body->inflate[which] = z;
}

/* A body of more than a few bytes is mostly one of many: all that may be kept has room at once. */
static int keep_plain(struct body *body, const uint8_t *bytes, size_t length)
{
    enum { FEW = 512 };
    size_t room = BODY_KEPT - body->kept.length;
    if (!body->kept.size && length > FEW && !buffer_reserve(&body->kept, BODY_KEPT))
        return -ENOMEM;
    int error = buffer_append(&body->kept, bytes, length < room ? length : room);
    if (body->kept.length == BODY_KEPT)
        body_settle(body);
    return error;
}

static int keep(struct body *body, unsigned within, const uint8_t *bytes, size_t length);

/* What a coding gave: kept, or handed to the next one within. */
static int hand_on(struct body *body, unsigned within, const uint8_t *bytes, size_t length)
{
    if (within > 0 && (body->between += length) > BETWEEN_MOST) {
        body_settle(body);
        return 0;
    }
    return length ? keep(body, within, bytes, length) : 0;
}

/* Decodes the outermost of so many codings, until the bytes, what is kept or the coding ends. */
static int keep_decoded(struct body *body, unsigned codings, const uint8_t *bytes, size_t length)
{
    unsigned outermost = codings - 1;
    uint8_t out[BODY_KEPT];
    z_stream *z = decoder(body, outermost, bytes[0]);
    if (!z)
        return -ENOMEM;
    z->next_in = (z_const Bytef *)(uintptr_t)bytes;
    z->avail_in = (uInt)length;
    int result;
    do {
        z->next_out = out;
        z->avail_out = sizeof out;
        result = inflate(z, Z_SYNC_FLUSH);
        int error = hand_on(body, outermost, out, sizeof out - z->avail_out);
        if (error || body->settled) /* which frees the decoder */
            return error;
        if (result == Z_STREAM_END && body->coding[outermost] == BODY_GZIP)
            result = inflateReset(z); /* another member may follow */
    } while (result == Z_OK && (z->avail_in || !z->avail_out));
    if (result != Z_OK && result != Z_BUF_ERROR)
        body_settle(body);
    return result == Z_MEM_ERROR ? -ENOMEM : 0;
}

/* Keeps bytes that so many codings are still around. */
static int keep(struct body *body, unsigned within, const uint8_t *bytes, size_t length)
{
    return within ? keep_decoded(body, within, bytes, length) : keep_plain(body, bytes, length);
}

int body_add(struct body *body, const uint8_t *bytes, size_t length)
{
    if (body->hole || length == 0)
        return 0;
    body->came += length;
    if (body->settled)
        return 0;
    return keep(body, body->codings, bytes, length);
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

void body_clear(struct body *body)
{
    body_settle(body);
    buffer_clear(&body->kept);
    *body = (struct body){.kept = body->kept};
}

void body_free(struct body *body)
{
    body_clear(body);
    buffer_free(&body->kept);
}
