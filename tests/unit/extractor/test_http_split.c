/* However segments cut a transcript, the same records come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/extractor/http_transcript.h"

#define BODY "\x1f\x8b\x08\0\0\0\0\0\x02\x03\x4b\x4d\x49\x4f\x05\0\x05\x9f\xd8\x2a\x04\0\0\0"

enum { C = RIG_CLIENT, S = RIG_SERVER };

static const struct http_line simple[] = {
    {.side = C, .text = "GET /a HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"},
    {.side = S, .text = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: 1\r\nx: 2\r\n\r\nbody"},
    {.side = C, .text = "GET /b HTTP/1.1\r\n\r\n"},
    {.side = S, .text = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
    {0},
};
static const struct http_line chunks[] = {
    {.side = C,
     .text = "\r\nPOST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
             "2\r\nab\r\n0b ;x=1\r\nhello world\r\n0\r\nT: 1\r\n\r\n"
             "HEAD /d HTTP/1.1\r\n\r\n"},
    {.side = S,
     .text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 1\n\n!"
             "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"},
    {0},
};
static const struct http_line gzipped[] = {
    {.side = C, .text = "GET /z HTTP/1.1\r\n\r\n"},
    {.side = S,
     .text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" BODY,
     .length = sizeof "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" BODY - 1},
    {0},
};
static const struct http_line broken[] = {
    {.side = C, .text = "GET /r HTTP/1.1\r\nA: b\r\n\x01\x02\r\n\r\nGET /no HTTP/1.1\r\n\r\n"},
    {.side = S, .text = "HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nbad"},
    {.side = C, .text = "GET /s HTTP/1.1\r\n\r\n"},
    {.side = S, .text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"},
    {.side = S, .more = 2},
    {.side = S, .text = "xx"},
    {0},
};
static const struct http_line tunnel[] = {
    {.side = C, .text = "CONNECT h:1 HTTP/1.1\r\n\r\nGET /in HTTP/1.1\r\n\r\n"},
    {.side = S,
     .text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nin"},
    {.side = C, .text = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"},
    {.side = S,
     .text = "HTTP/1.1 101 Up\r\nUpgrade: websocket\r\n\r\n\x81\x0d"
             "1.2.3.4:56789\x01\x04"
             "1.2.\x80\x0b"
             "192.0.2.1:8"},
    {.side = C,
     .text = "\x81\x90\x01\x02\x03\x04\x30\x2c\x32\x2a\x30\x2c\x32\x3e\x30\x22"
             "\x31\x2a\x33\x2c\x31\x2a"},
    {0},
};
static const struct http_transcript transcripts[] = {
    {"simple", TAPLINE_HINT_HTTP, simple, {true, true}},
    {"chunks", TAPLINE_HINT_HTTP, chunks, {true, true}},
    {"gzipped", TAPLINE_HINT_HTTP, gzipped, {true, true}},
    {"broken", TAPLINE_HINT_HTTP, broken, {true, true}},
    {"tunnel", TAPLINE_HINT_HTTP | TAPLINE_HINT_WS_ADDRESSES, tunnel, {true, true}},
};
enum { TRANSCRIPTS = sizeof transcripts / sizeof transcripts[0] };

/* Plays a line, cut at those of the places that lie within it. A place counts bytes of the whole
 * transcript; all parts carry the same packet's number. */
static size_t play_line(struct rig *rig, const struct http_line *line, size_t begin,
                        const size_t cuts[2])
{
    size_t length, from = 0;
    uint8_t *bytes = http_line_bytes(line, &length);
    for (int i = 0; i < 2; i++) {
        if (cuts[i] <= begin + from || cuts[i] >= begin + length)
            continue;
        rig_data(rig, line->side, bytes + from, cuts[i] - begin - from);
        rig->packet--;
        from = cuts[i] - begin;
    }
    rig_data(rig, line->side, bytes + from, length - from);
    free(bytes);
    return length;
}

/* Plays a transcript; returns its length in bytes. */
static size_t play(const struct http_transcript *t, size_t first, size_t second,
                   struct buffer *result)
{
    struct rig *rig = rig_new(&LIMITS_DEFAULT, t->hints);
    size_t at = 0, cuts[] = {first, second};
    for (const struct http_line *line = t->lines; !http_line_is_last(line); line++) {
        if (line->text)
            at += play_line(rig, line, at, cuts);
        else
            rig_gap(rig, line->side, line->more);
    }
    rig_close(rig, t->fin[0], t->fin[1]);
    assert_int_equal(rig->error, 0);
    assert_true(rig->records > 0);
    buffer_clear(result);
    rig_result(rig, result);
    rig_free(&rig);
    return at;
}

static void every_pair_of_places(void **state)
{
    const struct http_transcript *t = *state;
    struct buffer whole = {0}, cut = {0};
    size_t length = play(t, 0, 0, &whole);
    for (size_t i = 1; i < length; i++)
        for (size_t j = i; j < length; j++) {
            play(t, i, j, &cut);
            if (cut.length != whole.length || memcmp(cut.bytes, whole.bytes, whole.length) != 0)
                fail_msg("%s, cut at %zu and %zu, gives other records", t->name, i, j);
        }
    buffer_free(&whole);
    buffer_free(&cut);
}

static void every_byte_alone(void **state)
{
    const struct http_transcript *t = *state;
    struct buffer whole = {0}, cut = {0};
    play(t, 0, 0, &whole);
    struct rig *rig = rig_new(&LIMITS_DEFAULT, t->hints);
    for (const struct http_line *line = t->lines; !http_line_is_last(line); line++) {
        size_t length = 0;
        uint8_t *bytes = line->text ? http_line_bytes(line, &length) : NULL;
        if (!bytes)
            rig_gap(rig, line->side, line->more);
        for (size_t i = 0; i < length; i++) {
            rig->packet -= i > 0;
            rig_data(rig, line->side, bytes + i, 1);
        }
        free(bytes);
    }
    rig_close(rig, t->fin[0], t->fin[1]);
    rig_result(rig, &cut);
    assert_int_equal(cut.length, whole.length);
    assert_memory_equal(cut.bytes, whole.bytes, whole.length);
    rig_free(&rig);
    buffer_free(&whole);
    buffer_free(&cut);
}

int main(void)
{
    struct CMUnitTest tests[2 * TRANSCRIPTS];
    for (size_t i = 0; i < TRANSCRIPTS; i++) {
        void *transcript = (void *)(uintptr_t)&transcripts[i];
        tests[2 * i] =
            (struct CMUnitTest){transcripts[i].name, every_pair_of_places, NULL, NULL, transcript};
        tests[2 * i + 1] =
            (struct CMUnitTest){transcripts[i].name, every_byte_alone, NULL, NULL, transcript};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
