/*
 * The totals of file_data.json: every frame counts once.
 */
#ifndef TAPLINE_TRACKER_TOTALS_H
#define TAPLINE_TRACKER_TOTALS_H

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/net/packet.h"

enum { PACKET_KINDS = PACKET_OTHER + 1 };

/** By enum packet_kind. */
struct totals {
    uint64_t packets[PACKET_KINDS];
    uint64_t frame_bytes[PACKET_KINDS];   /* captured */
    uint64_t payload_bytes[PACKET_KINDS]; /* TCP and UDP payload by the headers' lengths */
};

/** Counts one frame of so many captured bytes. */
void totals_count(struct totals *totals, const struct packet *packet, uint32_t captured);

/** Appends them as one msgpack map, with the keys of file_data.json. */
void totals_pack(struct buffer *to, const struct totals *totals);

#endif
