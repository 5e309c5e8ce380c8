#include "stages/reader/inflate.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base/error.h"

/* One way that content may be compressed. */
struct coding {
    const char *name;
    bool (*begins)(const uint8_t *bytes, size_t length);
    bool (*open)(struct inflate *input);
    /* Decodes raw bytes: how many it made, 0 where it needs more, ERR_TRUNCATED where they are
     * corrupt (said in `fault`). Keeps `within` true. */
    ssize_t (*decode)(struct inflate *input, uint8_t *into, size_t size);
    void (*close)(struct inflate *input);
};

struct inflate {
    int fd;              /* this is read, */
    struct spool *spool; /* or this, where it is not NULL */
    bool live;           /* the descriptor is no regular file's: it may let one wait */
    bool waits;          /* and so it shall */
    const struct coding *coding; /* NULL: the content is not compressed */
    uint8_t head[INFLATE_HEAD];
    size_t head_length;
    size_t head_at; /* how much of the head was read */
    uint8_t *raw;   /* compressed bytes: a chunk of them, */
    size_t raw_at;  /* the next one, */
    size_t raw_end; /* and where they end */
    bool raw_over;  /* the file has no more */
    bool within;    /* a gzip member or a zstd frame has begun and not ended */
    z_stream gzip;
    ZSTD_DStream *zstd;
    size_t zstd_wants; /* bytes that the next step of the decoder takes */
    uint64_t taken;
    int error;
    char fault[160];
};

static ssize_t refuse(struct inflate *input, const char *what, const char *why)
{
    snprintf(input->fault, sizeof input->fault, "%s at byte %llu of the file%s%s", what,
             (unsigned long long)(input->taken - (input->raw_end - input->raw_at)), why ? ": " : "",
             why ? why : "");
    input->error = ERR_TRUNCATED;
    return ERR_TRUNCATED;
}

/* Whether the next bytes would have to be waited for. */
static bool quiet(const struct inflate *input)
{
    struct pollfd next = {.fd = inflate_descriptor(input), .events = POLLIN};
    return next.fd >= 0 && poll(&next, 1, 0) <= 0;
}

/* Bytes as they lie in the file; 0 at its end. */
static ssize_t take(struct inflate *input, uint8_t *into, size_t size)
{
    if (!input->waits && quiet(input))
        return ERR_AGAIN;
    ssize_t got = input->spool ? spool_read(input->spool, input->taken, into, size)
                               : read(input->fd, into, size);
    if (got >= 0) {
        input->taken += (uint64_t)got;
        return got;
    }
    int error = input->spool ? (int)-got : errno;
    if (error != EINTR)
        return refuse(input, "reading failed", strerror(error));
    input->error = ERR_STOPPED;
    return ERR_STOPPED;
}

/* ---- gzip ------------------------------------------------------------------------------- */

static bool gzip_begins(const uint8_t *bytes, size_t length)
{
    return length >= 3 && bytes[0] == 0x1f && bytes[1] == 0x8b && bytes[2] == Z_DEFLATED;
}

static bool gzip_open(struct inflate *input)
{
    enum { GZIP_ONLY = 16 };
    return inflateInit2(&input->gzip, MAX_WBITS + GZIP_ONLY) == Z_OK;
}

static ssize_t gzip_decode(struct inflate *input, uint8_t *into, size_t size)
{
    z_stream *z = &input->gzip;
    bool behind_member = !input->within && z->total_in > 0;
    if (behind_member)
        inflateReset(z);
    z->next_in = input->raw + input->raw_at;
    z->avail_in = (uInt)(input->raw_end - input->raw_at);
    z->next_out = into;
    z->avail_out = (uInt)size;
    input->within = true;
    int status = inflate(z, Z_NO_FLUSH);
    input->raw_at = input->raw_end - z->avail_in;
    if (status == Z_STREAM_END)
        input->within = false;
    else if (status != Z_OK && status != Z_BUF_ERROR && z->avail_out == size)
        return refuse(input, behind_member ? "no gzip, behind a gzip member," : "corrupt gzip",
                      z->msg ? z->msg : "no memory");
    return (ssize_t)(size - z->avail_out);
}

static void gzip_close(struct inflate *input)
{
    inflateEnd(&input->gzip);
}

/* ---- zstd ------------------------------------------------------------------------------- */

static bool zstd_begins(const uint8_t *bytes, size_t length)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd}, skippable[] = {0x2a, 0x4d, 0x18};
    return length >= 4 && (memcmp(bytes, frame, sizeof frame) == 0 ||
                           (bytes[0] >> 4 == 5 && memcmp(bytes + 1, skippable, 3) == 0));
}

static bool zstd_open(struct inflate *input)
{
    input->zstd = ZSTD_createDStream();
    input->zstd_wants = input->zstd ? ZSTD_initDStream(input->zstd) : 0;
    return input->zstd != NULL;
}

/* The decoder gets no more than it asked for, which is one block: what a call has made is lost
 * where it meets a corrupt block, and so only that block is. */
static ssize_t zstd_decode(struct inflate *input, uint8_t *into, size_t size)
{
    size_t length = input->raw_end - input->raw_at;
    if (length > input->zstd_wants)
        length = input->zstd_wants;
    ZSTD_inBuffer from = {.src = input->raw + input->raw_at, .size = length, .pos = 0};
    ZSTD_outBuffer to = {.dst = into, .size = size, .pos = 0};
    size_t status = ZSTD_decompressStream(input->zstd, &to, &from);
    if (ZSTD_isError(status))
        return refuse(input, "the zstd data cannot be decoded", ZSTD_getErrorName(status));
    input->raw_at += from.pos;
    input->within = status != 0;
    input->zstd_wants = status ? status : ZSTD_initDStream(input->zstd);
    return (ssize_t)to.pos;
}

static void zstd_close(struct inflate *input)
{
    ZSTD_freeDStream(input->zstd);
}

static const struct coding codings[] = {
    {"gzip", gzip_begins, gzip_open, gzip_decode, gzip_close},
    {"zstd", zstd_begins, zstd_open, zstd_decode, zstd_close},
};

/* ---- either, or neither ----------------------------------------------------------------- */

static ssize_t decompress(struct inflate *input, uint8_t *into, size_t size)
{
    for (;;) {
        if (input->raw_at == input->raw_end && !input->raw_over) {
            ssize_t got = take(input, input->raw, INFLATE_CHUNK);
            if (got < 0)
                return got;
            input->raw_at = 0;
            input->raw_end = (size_t)got;
            input->raw_over = got == 0;
        }
        size_t before = input->raw_at;
        if (before == input->raw_end && !input->within)
            return 0;
        ssize_t made = input->coding->decode(input, into, size);
        if (made != 0)
            return made;
        if (input->raw_at == before && input->within) {
            char what[40];
            snprintf(what, sizeof what, "the %s data breaks off", input->coding->name);
            return refuse(input, what, NULL);
        }
    }
}

static ssize_t next_bytes(struct inflate *input, uint8_t *into, size_t size)
{
    if (input->error)
        return input->error;
    return input->coding ? decompress(input, into, size) : take(input, into, size);
}

/* Reads on to the end of the head or of the content. */
static void fill_head(struct inflate *input)
{
    ssize_t got = 1;
    for (; got > 0 && input->head_length < INFLATE_HEAD; input->head_length += (size_t)got) {
        got =
            next_bytes(input, input->head + input->head_length, INFLATE_HEAD - input->head_length);
        if (got < 0)
            break;
    }
}

/* What was read as the head turned out to be compressed: it is the first of the raw bytes. */
static bool begin_decoding(struct inflate *input, const struct coding *coding)
{
    input->raw = malloc(INFLATE_CHUNK);
    if (!input->raw || !coding->open(input))
        return false;
    input->coding = coding;
    memcpy(input->raw, input->head, input->head_length);
    input->raw_end = input->head_length;
    input->head_length = 0;
    fill_head(input);
    return true;
}

static bool is_live(int fd)
{
    struct stat status;
    return fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode));
}

struct inflate *inflate_new(int fd, struct spool *spool, int *error)
{
    struct inflate *input = calloc(1, sizeof *input);
    if (!input) {
        if (fd >= 0)
            close(fd);
        *error = -ENOMEM;
        return NULL;
    }
    input->fd = fd;
    input->spool = spool;
    input->live = is_live(fd);
    input->waits = true;
    fill_head(input);
    for (size_t i = 0; i < sizeof codings / sizeof *codings && !input->coding; i++) {
        if (!codings[i].begins(input->head, input->head_length))
            continue;
        if (!begin_decoding(input, &codings[i])) {
            inflate_free(&input);
            *error = -ENOMEM;
            return NULL;
        }
    }
    return input;
}

void inflate_free(struct inflate **input)
{
    if (!*input)
        return;
    if ((*input)->coding)
        (*input)->coding->close(*input);
    if ((*input)->fd >= 0)
        close((*input)->fd);
    free((*input)->raw);
    free(*input);
    *input = NULL;
}

const uint8_t *inflate_head(const struct inflate *input, size_t *length)
{
    *length = input->head_length;
    return input->head;
}

void inflate_stop_waiting(struct inflate *input)
{
    input->waits = false;
}

int inflate_descriptor(const struct inflate *input)
{
    if (input->spool)
        return spool_descriptor(input->spool, input->taken);
    return input->live ? input->fd : -1;
}

ssize_t inflate_read(struct inflate *input, void *into, size_t size)
{
    size_t ahead = input->head_length - input->head_at;
    ssize_t got;
    if (ahead > 0) {
        got = (ssize_t)(ahead < size ? ahead : size);
        memcpy(into, input->head + input->head_at, (size_t)got);
        input->head_at += (size_t)got;
    } else {
        got = next_bytes(input, into, size);
    }
    return got;
}

int inflate_error(const struct inflate *input)
{
    return input->error;
}

const char *inflate_fault(const struct inflate *input)
{
    return input->fault;
}

uint64_t inflate_taken(const struct inflate *input)
{
    return input->taken;
}
