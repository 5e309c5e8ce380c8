/*
 * How far in time a stage has handed on what came to it, for the marks that pass it: its low
 * watermark (Akidau et al., MillWheel: Fault-Tolerant Stream Processing at Internet Scale, VLDB
 * 2013).
 *
 * What comes of a tracker by way of one worker is no older than that one's last mark said. So what
 * is kept back from then on holds later marks of the two down to there, until it is let go; but for
 * WATERMARK_PATIENCE_NS of the capture's time at most. What waits for longer than that mostly waits
 * for the end of a connection that has fallen silent, and nothing comes of it. Should a record, all
 * later marks were wrong, and who goes by them will notice.
 */
#ifndef TAPLINE_COMMON_WATERMARK_H
#define TAPLINE_COMMON_WATERMARK_H

#include <stdint.h>

#include "common/bus/outlet.h"
#include "common/wire/mark.h"

#define WATERMARK_PATIENCE_NS (INT64_C(60) * 1000000000)

struct watermark;

/** Something that is kept back: its owner's, until it is let go. */
struct hold;

/** Nothing came, and nothing is kept. NULL: no memory. */
struct watermark *watermark_new(void);

/** After all holds were let go. NULLs the caller's pointer, and accepts NULL in it. */
void watermark_free(struct watermark **watermark);

/** Something is kept back of that flow, whose events come from `from`. Where *hold is no NULL, that
 *  is known already. 0 or -ENOMEM. */
int watermark_hold(struct watermark *watermark, uint32_t from, uint64_t flow, struct hold **hold);

/** It is let go. NULLs the caller's pointer, and accepts NULL in it. */
void watermark_let_go(struct hold **hold);

/** Sends a mark on that came from `from`, with what this stage has to say of what is kept. 0,
 *  -ENOMEM, or the outlet's error. */
int watermark_pass(struct watermark *watermark, uint32_t from, const struct mark *mark,
                   const struct outlet *outlet);

#endif
