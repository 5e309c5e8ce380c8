/* Marks, and closes between them, of two trackers: whatever they say, the horizon stays where it is
 * or moves on, and stands nowhere that no mark named. */
#include <stdlib.h>

#include "common/base/error.h"
#include "common/wire/event.h"
#include "stages/sink/horizon.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A mark is an array; else it is a close: the number of its flow, and that of the period. */
static int take(struct horizon *horizon, struct unpack *from, struct horizon_times *latest)
{
    struct mark mark;
    int error;
    if (unpack_type(from) == UNPACK_ARRAY) {
        error = mark_unpack(from, &mark);
        if (!error)
            error = horizon_mark(horizon, &mark);
        if (!error && mark.oldest_ns > latest->flows_ns)
            latest->flows_ns = mark.oldest_ns;
        if (!error && mark.kept_ns > latest->packets_ns)
            latest->packets_ns = mark.kept_ns;
    } else {
        uint64_t flow = unpack_uint(from), period = unpack_uint(from);
        error = from->error;
        if (!error)
            error = horizon_close(horizon, flow, period);
    }
    if ((error == ERR_LOST) != (horizon_fault(horizon) != NULL))
        abort();
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct unpack from = unpack_over(bytes, length);
    struct horizon *horizon = horizon_new(2);
    struct horizon_times before = {INT64_MIN, INT64_MIN}, latest = before;
    while (from.at < from.end && take(horizon, &from, &latest) == 0) {
        struct horizon_times now = horizon_times(horizon);
        if (now.flows_ns < before.flows_ns || now.flows_ns > latest.flows_ns ||
            now.packets_ns < before.packets_ns || now.packets_ns > latest.packets_ns)
            abort();
        before = now;
    }
    horizon_free(&horizon);
    return 0;
}
