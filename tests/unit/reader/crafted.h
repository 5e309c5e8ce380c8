/*
 * Captures made byte by byte for the reader's tests, and what a source gives of them. They lie in
 * memory (memfd) and are opened by their path below /proc, so that nothing is left behind.
 */
#ifndef TAPLINE_TESTS_READER_CRAFTED_H
#define TAPLINE_TESTS_READER_CRAFTED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "stages/reader/source.h"

enum { MICRO = (int)0xa1b2c3d4, NANO = (int)0xa1b23c4d, MODIFIED = (int)0xa1b2cd34 };
enum { SHB = 0x0a0d0d0a, IDB = 1, PB = 2, SPB = 3, NRB = 4, EPB = 6 };

/* ---- bytes in either order ----------------------------------------------------------------- */

struct craft {
    struct buffer bytes;
    bool big_endian;
};

static inline void put(struct craft *craft, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        unsigned place = craft->big_endian ? width - 1 - i : i;
        uint8_t byte = (uint8_t)(value >> 8 * place);
        buffer_append(&craft->bytes, &byte, 1);
    }
}

static inline void put_bytes(struct craft *craft, const void *bytes, size_t length)
{
    buffer_append(&craft->bytes, bytes, length);
}

static inline void put_padding(struct craft *craft, size_t length)
{
    put(craft, 0, (unsigned)(-length & 3));
}

/* ---- pcap ---------------------------------------------------------------------------------- */

static inline void pcap_header(struct craft *craft, int magic, uint32_t snap_length, uint32_t link)
{
    put(craft, (uint32_t)magic, 4);
    put(craft, 2, 2);
    put(craft, 4, 2);
    put(craft, 0, 8);
    put(craft, snap_length, 4);
    put(craft, link, 4);
}

static inline void pcap_packet(struct craft *craft, uint32_t seconds, uint32_t fraction,
                               const char *payload, uint32_t wire_length)
{
    put(craft, seconds, 4);
    put(craft, fraction, 4);
    put(craft, strlen(payload), 4);
    put(craft, wire_length, 4);
    put_bytes(craft, payload, strlen(payload));
}

/* ---- pcapng -------------------------------------------------------------------------------- */

/* Begins a block; the place that block_end() wants. */
static inline size_t block_begin(struct craft *craft, uint32_t type)
{
    size_t at = craft->bytes.length;
    put(craft, type, 4);
    put(craft, 0, 4);
    return at;
}

static inline void block_end(struct craft *craft, size_t at)
{
    uint32_t total = (uint32_t)(craft->bytes.length - at + 4);
    struct craft length = {.big_endian = craft->big_endian};
    put(&length, total, 4);
    memcpy(craft->bytes.bytes + at + 4, length.bytes.bytes, 4);
    buffer_free(&length.bytes);
    put(craft, total, 4);
}

static inline void section(struct craft *craft, bool big_endian)
{
    craft->big_endian = big_endian;
    size_t at = block_begin(craft, SHB);
    put(craft, 0x1a2b3c4d, 4);
    put(craft, 1, 2);
    put(craft, 0, 2);
    put(craft, UINT64_MAX, 8);
    block_end(craft, at);
}

/* `resolution`: -1: no such option. */
static inline void interface(struct craft *craft, unsigned link, uint32_t snap_length,
                             int resolution, int64_t offset)
{
    size_t at = block_begin(craft, IDB);
    put(craft, link, 2);
    put(craft, 0, 2);
    put(craft, snap_length, 4);
    put(craft, 2, 2); /* if_name, to be passed over */
    put(craft, 5, 2);
    put_bytes(craft, "wlan0\0\0", 8);
    if (resolution >= 0) {
        put(craft, 9, 2);
        put(craft, 1, 2);
        put_bytes(craft, (uint8_t[4]){(uint8_t)resolution}, 4);
    }
    if (offset) {
        put(craft, 14, 2);
        put(craft, 8, 2);
        put(craft, (uint64_t)offset, 8);
    }
    put(craft, 0, 4);
    block_end(craft, at);
}

static inline void enhanced_packet(struct craft *craft, uint32_t id, uint64_t stamp,
                                   const char *payload, uint32_t wire_length)
{
    size_t at = block_begin(craft, EPB), length = strlen(payload);
    put(craft, id, 4);
    put(craft, stamp >> 32, 4);
    put(craft, stamp, 4);
    put(craft, length, 4);
    put(craft, wire_length, 4);
    put_bytes(craft, payload, length);
    put_padding(craft, length);
    block_end(craft, at);
}

/* ---- compressed ---------------------------------------------------------------------------- */

static inline void gzip_append(struct buffer *to, const uint8_t *bytes, size_t length)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uLong room = deflateBound(&z, length);
    struct buffer input = {0};
    buffer_append(&input, bytes, length);
    z.next_in = input.bytes;
    z.avail_in = (uInt)length;
    z.next_out = buffer_reserve(to, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    to->length += z.total_out;
    deflateEnd(&z);
    buffer_free(&input);
}

static inline void zstd_append(struct buffer *to, const uint8_t *bytes, size_t length)
{
    size_t room = ZSTD_compressBound(length);
    to->length += ZSTD_compress(buffer_reserve(to, room), room, bytes, length, 3);
}

/* ---- what comes of it ---------------------------------------------------------------------- */

/* A path under which the bytes can be opened until close(*fd). */
static inline const char *path_of(const uint8_t *bytes, size_t length, int *fd)
{
    static char path[64];
    *fd = memfd_create("capture", 0);
    assert_int_equal(write(*fd, bytes, length), length);
    snprintf(path, sizeof path, "/proc/self/fd/%d", *fd);
    return path;
}

enum { MOST_FRAMES = 64, MOST_PAYLOAD = 512 };

struct given {
    struct frame frames[MOST_FRAMES]; /* their bytes point into payloads */
    uint8_t payloads[MOST_FRAMES][MOST_PAYLOAD];
    size_t count;
    int status; /* what opening or the last reading returned */
    char fault[512];
};

static inline void take_frames_of(struct given *given, struct source *source)
{
    struct frame frame;
    while ((given->status = source_next(source, &frame)) == 0) {
        assert_true(given->count < MOST_FRAMES && frame.length <= MOST_PAYLOAD);
        assert_true(frame.wire_length >= frame.length);
        memcpy(given->payloads[given->count], frame.bytes, frame.length);
        frame.bytes = given->payloads[given->count];
        given->frames[given->count++] = frame;
    }
    assert_int_equal(source_next(source, &frame), given->status);
    snprintf(given->fault, sizeof given->fault, "%s", source_fault(source));
}

/* Memory that is given out piece by piece: what was given back reads as something else. */
struct lent {
    size_t out; /* pieces */
};

static inline uint8_t *lent_take(void *context, int *error)
{
    struct lent *lent = context;
    *error = 0;
    lent->out++;
    return malloc(ORIGINAL_PIECE);
}

static inline void lent_give(void *context, const uint8_t *piece)
{
    struct lent *lent = context;
    uint8_t *bytes = (uint8_t *)(uintptr_t)piece;
    lent->out--;
    memset(bytes, 0xaa, ORIGINAL_PIECE);
    free(bytes);
}

static inline void take_frames_into(struct given *given, const char *path,
                                    const struct window_memory *memory)
{
    memset(given, 0, sizeof *given);
    struct source *source =
        source_open(path, NULL, memory, given->fault, sizeof given->fault, &given->status);
    if (source)
        take_frames_of(given, source);
    source_free(&source);
    assert_null(source);
}

/* Into memory of the source's own, and into what it is lent. */
static inline void take_frames(struct given *given, const char *path)
{
    static struct given other;
    struct lent lent = {0};
    const struct window_memory memory = {lent_take, lent_give, &lent};
    take_frames_into(given, path, NULL);
    if (strcmp(path, "-") == 0) /* it cannot be read again */
        return;
    take_frames_into(&other, path, &memory);
    assert_int_equal(lent.out, 0);
    assert_int_equal(other.status, given->status);
    assert_int_equal(other.count, given->count);
    assert_string_equal(other.fault, given->fault);
    for (size_t i = 0; i < given->count; i++) {
        const struct frame *a = &given->frames[i], *b = &other.frames[i];
        assert_int_equal(a->number, b->number);
        assert_int_equal(a->time_ns, b->time_ns);
        assert_int_equal(a->link, b->link);
        assert_int_equal(a->wire_length, b->wire_length);
        assert_int_equal(a->length, b->length);
        assert_memory_equal(a->bytes, b->bytes, a->length);
    }
}

static inline void take_from(struct given *given, const uint8_t *bytes, size_t length)
{
    int fd;
    const char *path = path_of(bytes, length, &fd);
    take_frames(given, path);
    close(fd);
}

static inline void assert_frame(const struct given *given, size_t index, int64_t time_ns,
                                uint32_t link, const char *payload, uint32_t wire_length)
{
    assert_true(index < given->count);
    const struct frame *frame = &given->frames[index];
    assert_int_equal(frame->number, index + 1);
    assert_int_equal(frame->time_ns, time_ns);
    assert_int_equal(frame->link, link);
    assert_int_equal(frame->wire_length, wire_length);
    assert_int_equal(frame->length, strlen(payload));
    assert_memory_equal(frame->bytes, payload, frame->length);
}

/* The first frames of `whole`, and nothing else. */
static inline void assert_prefix(const struct given *given, const struct given *whole)
{
    assert_true(given->count <= whole->count);
    for (size_t i = 0; i < given->count; i++) {
        const struct frame *a = &given->frames[i], *b = &whole->frames[i];
        assert_true(a->number == b->number && a->time_ns == b->time_ns && a->link == b->link &&
                    a->wire_length == b->wire_length && a->length == b->length);
        assert_memory_equal(a->bytes, b->bytes, a->length);
    }
}

#endif
