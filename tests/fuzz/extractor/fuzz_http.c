/*
 * A whole HTTP conversation from one input: who speaks, what, what is lost, and how it ends. Played
 * twice, to a tracker that hears demand and to one that does not: the records must be the same.
 */
#include "tests/unit/extractor/rig.h"

enum { FILLER = 64, MOST_FILLED = 256 * 1024, LARGEST_RECORD = 64 * 1024, WAITING = 4 };

/* What makes a step: two bits of the first byte say what, the next says who. */
enum { LITERAL, SNIPPET, FILLED, LOST };

static const char *const snippets[] = {
    "GET / HTTP/1.1\r\n\r\n",
    "POST /p HTTP/1.1\r\nContent-Length: 40000\r\n\r\n",
    "HEAD /h HTTP/1.1\r\n",
    "CONNECT h:1 HTTP/1.1\r\n\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 101 Up\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/1.0 304 No\r\n\r\n",
    "Upgrade: websocket\r\n",
    "Content-Length: 50000\r\n\r\n",
    "Content-Length: 5\r\n\r\nhello",
    "Transfer-Encoding: chunked\r\n\r\n",
    "8000\r\n",
    "\r\n0\r\n\r\n",
    "Content-Encoding: gzip\r\n",
    "\x1f\x8b\x08",
    "\r\n\r\n",
    "\x81\x7e\x10",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "1.2.3.4:5 6.7.8.9:10",
};
enum { SNIPPETS = sizeof snippets / sizeof snippets[0] };

static const struct limits *small_limits(void)
{
    static struct limits limits;
    limits = LIMITS_DEFAULT;
    limits.header_bytes = 512;
    limits.start_line = 256;
    limits.http_waiting = WAITING;
    return &limits;
}

static void fill(struct rig *rig, int side, size_t length, size_t *filled)
{
    static const uint8_t zeros[256 * FILLER];
    if (length && *filled + length <= MOST_FILLED)
        rig_data(rig, side, zeros, length);
    *filled += length;
}

/* One step: what to do, a number, and for a literal that many bytes. Returns what it took. */
static size_t step(struct rig *rig, const uint8_t *bytes, size_t length, size_t *filled)
{
    int side = bytes[0] >> 2 & 1;
    size_t number = bytes[1], left = length - 2;
    switch (bytes[0] & 3) {
    case LITERAL:
        number = number < left ? number : left;
        if (number)
            rig_data(rig, side, bytes + 2, number);
        return 2 + number;
    case SNIPPET: rig_say(rig, side, snippets[number % SNIPPETS]); return 2;
    case FILLED: fill(rig, side, number * FILLER, filled); return 2;
    default: rig_gap(rig, side, 1 + number * number); return 2;
    }
}

static struct rig *play(const uint8_t *bytes, size_t length, bool deaf)
{
    uint32_t hints = TAPLINE_HINT_HTTP | (bytes[0] & 1 ? TAPLINE_HINT_WS_ADDRESSES : 0);
    struct rig *rig = rig_new(small_limits(), hints);
    size_t filled = 0;
    rig->deaf = deaf;
    for (size_t at = 1; at + 2 <= length;)
        at += step(rig, bytes + at, length - at, &filled);
    rig_close(rig, bytes[0] & 2, bytes[0] & 4);
    if (rig->error)
        abort();
    for (size_t i = 0; i < rig->records; i++)
        if (rig->record[i].length > LARGEST_RECORD)
            abort();
    return rig;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 3)
        return 0;
    struct rig *deaf = play(bytes, length, true), *prompt = play(bytes, length, false);
    struct buffer all = {0}, wanted = {0};
    rig_result(deaf, &all);
    rig_result(prompt, &wanted);
    if (all.length != wanted.length || (all.length && memcmp(all.bytes, wanted.bytes, all.length)))
        abort();
    buffer_free(&all);
    buffer_free(&wanted);
    rig_free(&deaf);
    rig_free(&prompt);
    return 0;
}
