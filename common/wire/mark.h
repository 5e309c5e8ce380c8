/*
 * MARK: how far in time a tracker's work has come (<tapline/wire.h>).
 */
#ifndef TAPLINE_COMMON_MARK_H
#define TAPLINE_COMMON_MARK_H

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/wire/unpack.h"

/** The end of a period of a tracker's work. */
struct mark {
    uint64_t tracker;  /* its index in the capture's set */
    uint64_t period;   /* 0, 1, ... */
    uint64_t closed;   /* flows that it closed in that period */
    int64_t oldest_ns; /* flows that it has not closed by then have no record of an earlier time */
    uint32_t hops;     /* stages that it has passed, from 0, */
    uint32_t branches; /* and how many workers the last of them has sent it on to */
    int64_t kept_ns;   /* packets that came there before have no record, which is still to come, of
                          an earlier time */
};

/** Appends a mark: the body of its message. */
void mark_pack(struct buffer *to, const struct mark *mark);

/** Reads one; 0, ERR_TRUNCATED or ERR_MALFORMED. */
int mark_unpack(struct unpack *from, struct mark *mark);

#endif
