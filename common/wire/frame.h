/*
 * Frames of a capture, and how they stand in a PACKETS message (<tapline/wire.h>).
 */
#ifndef TAPLINE_COMMON_FRAME_H
#define TAPLINE_COMMON_FRAME_H

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/wire/original.h"
#include "common/wire/unpack.h"

/** One frame as it was captured. */
struct frame {
    uint64_t number; /* from 1 over the whole capture */
    int64_t time_ns;
    uint32_t link;        /* LINKTYPE_ value */
    uint32_t wire_length; /* bytes that were on the wire */
    const uint8_t *bytes; /* borrowed */
    uint32_t length;      /* captured bytes */
};

/** Appends a frame; where places of the message lead to its bytes, one of them stands for these.
 *  NULL: there are none. */
void frame_pack(struct buffer *to, const struct frame *frame, struct places *places);

/** Appends a clock: capture time has reached this. */
void frame_pack_clock(struct buffer *to, int64_t time_ns);

/** What frame_unpack found. */
enum { FRAME_PACKET = 1, FRAME_CLOCK = 2 };

/** Reads the next element in place. FRAME_PACKET (bytes point into the message or the original),
 *  FRAME_CLOCK (time_ns only), ERR_TRUNCATED or ERR_MALFORMED. */
int frame_unpack(struct unpack *from, struct places *places, struct frame *frame);

#endif
