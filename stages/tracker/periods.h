/*
 * A tracker's work in periods, so that the sink learns how far in time it has come (MARK, in
 * <tapline/wire.h>).
 *
 * All packets of a flow come in the stretch that it was opened in, or later. So a record of one
 * that is open has no earlier time than the earliest packet from there on. Stretches are as long as
 * need be to tell apart how old flows are; periods end more often.
 */
#ifndef TAPLINE_TRACKER_PERIODS_H
#define TAPLINE_TRACKER_PERIODS_H

#include <stdint.h>

#include "common/wire/mark.h"

/** So many stretches are told apart at most, from the first that a flow is left of: two days and
 *  more of a capture's time. */
enum { PERIODS_MOST = 4096 };

struct periods;

/** The first period and the first stretch begin. NULL: no memory. */
struct periods *periods_new(void);

/** NULLs the caller's pointer, and accepts NULL in it. */
void periods_free(struct periods **periods);

/** A packet of that time came. */
void periods_packet(struct periods *periods, int64_t time_ns);

/** A flow begins: the present stretch, which is to be given back when it ends. */
uint32_t periods_open(struct periods *periods);

/** A flow ends that began in that stretch: the present period. */
uint64_t periods_close(struct periods *periods, uint32_t opened);

/** The next stretch begins; or the present one goes on, where there would be too many. */
void periods_stretch(struct periods *periods);

/** The present period ends, with what its mark says of flows, and the next begins. No packet that
 *  is still to come is older than `to_come_ns`. */
void periods_end(struct periods *periods, int64_t to_come_ns, struct mark *mark);

#endif
