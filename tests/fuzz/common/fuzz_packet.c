/*
 * Frames of any link type: what the decoder says must lie within the frame, and agree with itself.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/net/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool true_of_every_packet)
{
    if (!true_of_every_packet)
        abort();
}

static void check_extent(const struct extent *e, const uint8_t *frame, size_t length)
{
    must(e->captured <= e->length);
    if (e->captured > 0)
        must(e->bytes >= frame && e->bytes + e->captured <= frame + length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 3)
        return 0;
    uint32_t link = (uint32_t)bytes[0] << 8 | bytes[1], more = bytes[2];
    bytes += 3;
    length -= 3;
    struct packet p;
    packet_decode(&p, link, bytes, (uint32_t)length, (uint32_t)length + more);
    check_extent(&p.body, bytes, length);
    check_extent(&p.payload, bytes, length);
    must((p.version == 0) == (p.kind == PACKET_NOIP));
    must(p.payload.length <= p.body.length && p.body.length <= length + more);
    must(!p.sound || (!p.fragment && (p.kind == PACKET_TCP || p.kind == PACKET_UDP)));

    struct packet back = p;
    back.source = p.destination;
    back.destination = p.source;
    must(address_pair_hash(&p) == address_pair_hash(&back));

    if (p.fragment) {
        struct extent body = p.body;
        packet_restore(&p, body, p.fragment_next);
        check_extent(&p.payload, bytes, length);
    }
    return 0;
}
