/* Marks, and closes between them, of two trackers: whatever they say, the horizon stays where it is
 * or moves on, and stands nowhere that no mark named. */
#include <stdlib.h>

#include "common/base/error.h"
#include "common/wire/event.h"
#include "stages/sink/horizon.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A mark is an array; else it is a close: the number of its flow, and that of the period. */
static int take(struct horizon *horizon, struct unpack *from, int64_t *latest_ns)
{
    struct mark mark;
    int error;
    if (unpack_type(from) == UNPACK_ARRAY) {
        error = mark_unpack(from, &mark);
        if (!error)
            error = horizon_mark(horizon, &mark);
        if (!error && mark.oldest_ns > *latest_ns)
            *latest_ns = mark.oldest_ns;
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
    int64_t before = INT64_MIN, latest_ns = INT64_MIN;
    while (from.at < from.end && take(horizon, &from, &latest_ns) == 0) {
        if (horizon_time(horizon) < before || horizon_time(horizon) > latest_ns)
            abort();
        before = horizon_time(horizon);
    }
    horizon_free(&horizon);
    return 0;
}
