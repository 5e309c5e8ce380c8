#include "stages/sink/tap.h"

#include <tapline/tap.h>

#include "common/wire/pack.h"

const char *const TAP_TOPIC_NAMES[TAP_TOPICS] = {
    [TAP_FLOW_TCP] = TAPLINE_TOPIC_FLOW_TCP, [TAP_FLOW_UDP] = TAPLINE_TOPIC_FLOW_UDP,
    [TAP_HTTP] = TAPLINE_TOPIC_HTTP,         [TAP_TLS_SNI] = TAPLINE_TOPIC_TLS_SNI,
    [TAP_TLS_CERT] = TAPLINE_TOPIC_TLS_CERT, [TAP_DNS] = TAPLINE_TOPIC_DNS,
    [TAP_XYCDN] = TAPLINE_TOPIC_XYCDN,       [TAP_FLOW_OPEN] = TAPLINE_TOPIC_FLOW_OPEN,
    [TAP_CAPTURE] = TAPLINE_TOPIC_CAPTURE,   [TAP_STATS] = TAPLINE_TOPIC_STATS,
};

/* Two in every message, hence not by printf. */
static void pack_id(struct buffer *map, uint64_t id)
{
    char text[17];
    for (int digit = 15; digit >= 0; digit--, id >>= 4)
        text[digit] = "0123456789abcdef"[id & 15];
    text[16] = '\0';
    pack_str(map, text);
}

void tap_open(struct buffer *map, const struct tap *tap, uint64_t capture, uint64_t attempt,
              uint64_t seq, size_t pairs)
{
    pack_map(map, pairs);
    pack_str(map, "tap");
    pack_uint(map, TAPLINE_TAP_VERSION);
    pack_str(map, "capture");
    if (capture)
        pack_id(map, capture);
    else
        pack_nil(map);
    pack_str(map, "attempt");
    if (capture)
        pack_uint(map, attempt);
    else
        pack_nil(map);
    pack_str(map, "sink");
    pack_id(map, tap->sink);
    pack_str(map, "seq");
    pack_uint(map, seq);
}
