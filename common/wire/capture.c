#include "common/wire/capture.h"

#include <string.h>

#include "common/base/error.h"
#include "common/wire/pack.h"

enum {
    CAPTURE_LEAST = 11,
    CAPTURE_WITH_KEY = 12,
    CAPTURE_WITH_OPENS = 13,
    CAPTURE_WITH_ORIGINAL = 14,
    CAPTURE_FIELDS = 15,
};

#define SECONDS(n) ((int64_t)(n) * 1000000000)
#define KIB(n) ((uint64_t)(n) * 1024)

const struct limits LIMITS_DEFAULT = {
    .tcp_linger = SECONDS(120),
    .tcp_open_idle = SECONDS(120),
    .tcp_idle = SECONDS(3600),
    .udp_idle = SECONDS(300),
    .probe_segments = 64,
    .probe_datagrams = 256,
    .reorder = KIB(1024),
    .fragments = KIB(128),
    .start_line = KIB(16),
    .header_bytes = KIB(80),
    .http_waiting = 256,
    .handshake = KIB(256),
    .chain = 32,
    .quic_crypto = KIB(64),
    .stun_values = 1024,
    .demand = 1,
    .flows = 8000000,
};

#define LIMIT(field) offsetof(struct limits, field)

const struct opt LIMIT_OPTS[] = {
    {"tcp-linger", OPT_DURATION, LIMIT(tcp_linger), "SECONDS",
     "a connection ends so long after both FINs or a RST (0: never)", 0, 0},
    {"tcp-open-idle", OPT_DURATION, LIMIT(tcp_open_idle), "SECONDS",
     "... after its last packet, where the other side never answered (0: never)", 0, 0},
    {"tcp-idle", OPT_DURATION, LIMIT(tcp_idle), "SECONDS",
     "... after its last packet otherwise (0: never)", 0, 0},
    {"udp-idle", OPT_DURATION, LIMIT(udp_idle), "SECONDS",
     "a UDP conversation ends so long after its last datagram (0: never)", 0, 0},
    {"probe-segments", OPT_COUNT, LIMIT(probe_segments), "COUNT",
     "segments with payload that signatures look at, in each direction", 1, 0},
    {"probe-datagrams", OPT_COUNT, LIMIT(probe_datagrams), "COUNT",
     "datagrams that signatures look at, in each direction", 1, 0},
    {"reorder", OPT_SIZE, LIMIT(reorder), "BYTES",
     "sequence numbers that may wait behind a hole in a TCP stream", 1, 1u << 30},
    {"fragments", OPT_SIZE, LIMIT(fragments), "BYTES",
     "fragments that may wait for the rest of their IP datagram", 1280, 1u << 24},
    {"start-line", OPT_SIZE, LIMIT(start_line), "BYTES", "longest HTTP start line", 64, 1u << 20},
    {"header-bytes", OPT_SIZE, LIMIT(header_bytes), "BYTES",
     "most that is kept of one HTTP message's headers", 256, 1u << 24},
    {"http-waiting", OPT_COUNT, LIMIT(http_waiting), "COUNT",
     "pipelined requests of a connection that may wait for their answers", 1, 65536},
    {"handshake", OPT_SIZE, LIMIT(handshake), "BYTES", "longest TLS handshake message", 512,
     1u << 24},
    {"chain", OPT_COUNT, LIMIT(chain), "COUNT", "certificates kept of one chain", 1, 1024},
    {"quic-crypto", OPT_SIZE, LIMIT(quic_crypto), "BYTES", "longest QUIC ClientHello", 512,
     1u << 20},
    {"stun-values", OPT_COUNT, LIMIT(stun_values), "COUNT",
     "distinct STUN values kept of one conversation", 1, 65536},
    {"demand", OPT_COUNT, LIMIT(demand), "0|1",
     "0: send on what nobody wants, too (changes no result)", 0, 1},
    {"flows", OPT_COUNT, LIMIT(flows), "COUNT",
     "flows that one tracker may hold open; with more the run fails, and says so", 1, 0},
};

const size_t LIMIT_OPTS_COUNT = sizeof LIMIT_OPTS / sizeof LIMIT_OPTS[0];

/* Every limit is 64 bits wide and travels as a number, in the table's order. */
static void pack_limits(struct buffer *to, const struct limits *limits)
{
    pack_array(to, LIMIT_OPTS_COUNT);
    for (size_t i = 0; i < LIMIT_OPTS_COUNT; i++) {
        uint64_t value;
        memcpy(&value, (const char *)limits + LIMIT_OPTS[i].offset, sizeof value);
        pack_uint(to, value);
    }
}

static void unpack_limits(struct unpack *from, struct limits *limits)
{
    uint32_t fields = unpack_array_of(from, (uint32_t)LIMIT_OPTS_COUNT);
    for (size_t i = 0; i < LIMIT_OPTS_COUNT && !from->error; i++) {
        uint64_t value = unpack_uint(from);
        const struct opt *opt = &LIMIT_OPTS[i];
        if (value < opt->least || value > (opt->most ? opt->most : INT64_MAX))
            unpack_refuse(from);
        memcpy((char *)limits + opt->offset, &value, sizeof value);
    }
    if (!from->error)
        unpack_skip_many(from, fields - (uint32_t)LIMIT_OPTS_COUNT);
}

static void pack_slice(struct buffer *to, struct slice text)
{
    pack_text(to, text.bytes, text.length);
}

void capture_pack(struct buffer *to, const struct capture *c)
{
    pack_array(to, CAPTURE_FIELDS);
    pack_uint(to, c->reader);
    pack_slice(to, c->control);
    pack_bin(to, c->out.bytes, c->out.length); /* a path need not be UTF-8 */
    pack_slice(to, c->zone);
    pack_slice(to, c->profile);
    buffer_append(to, c->sources.bytes, c->sources.length);
    pack_slice(to, c->request);
    pack_uint(to, c->sink);
    buffer_append(to, c->trackers.bytes, c->trackers.length);
    pack_limits(to, &c->limits);
    pack_bool(to, c->live);
    pack_slice(to, c->key);
    pack_bool(to, c->opens);
    if (c->original.length)
        buffer_append(to, c->original.bytes, c->original.length);
    else
        pack_nil(to);
    pack_bool(to, c->early);
}

/* An array whose elements are read later, by whoever needs them. */
static struct slice raw_array(struct unpack *from)
{
    if (unpack_type(from) != UNPACK_ARRAY)
        unpack_refuse(from);
    return unpack_raw(from);
}

int capture_unpack(struct unpack *from, struct capture *c)
{
    uint32_t fields = unpack_array_of(from, CAPTURE_LEAST);
    c->reader = unpack_uint(from);
    c->control = unpack_str(from);
    c->out = unpack_bin(from);
    c->zone = unpack_str(from);
    c->profile = unpack_str(from);
    c->sources = raw_array(from);
    c->request = unpack_str(from);
    c->sink = unpack_uint(from);
    c->trackers = raw_array(from);
    unpack_limits(from, &c->limits);
    c->live = unpack_bool(from);
    c->key = fields >= CAPTURE_WITH_KEY ? unpack_str(from) : (struct slice){0};
    c->opens = fields >= CAPTURE_WITH_OPENS && unpack_bool(from);
    c->original = fields >= CAPTURE_WITH_ORIGINAL ? unpack_raw(from) : (struct slice){0};
    c->early = fields >= CAPTURE_FIELDS && unpack_bool(from);
    if (!from->error && fields > CAPTURE_FIELDS)
        unpack_skip_many(from, fields - CAPTURE_FIELDS);
    return from->error;
}

bool capture_tracker(const struct capture *capture, uint64_t sender, uint32_t *index)
{
    struct unpack from = unpack_over(capture->trackers.bytes, capture->trackers.length);
    uint32_t count = unpack_array(&from);
    for (*index = 0; *index < count; ++*index)
        if (unpack_uint(&from) == sender)
            return true;
    return false;
}

bool capture_heeds(const struct capture *capture, const struct message_head *head)
{
    uint32_t index;
    switch (head->kind) {
    case TAPLINE_PACKETS:
    case TAPLINE_END:
    case TAPLINE_WORD:
    case TAPLINE_RELEASE: return head->sender == capture->reader;
    case TAPLINE_ACCEPT:
    case TAPLINE_ASK:
    case TAPLINE_OUTCOME: return head->sender == capture->sink;
    case TAPLINE_TALLY:
        return head->sender == capture->reader || capture_tracker(capture, head->sender, &index);
    default: return true;
    }
}
