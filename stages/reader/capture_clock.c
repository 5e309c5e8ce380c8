#include "stages/reader/capture_clock.h"

static const uint64_t TICK_NS = 1000000000;

bool capture_clock_frame(struct capture_clock *clock, int64_t time_ns)
{
    if (clock->frames == 0 || time_ns < clock->least)
        clock->least = time_ns;
    if (++clock->frames < CAPTURE_CLOCK_BLOCK)
        return false;
    clock->frames = 0;
    if (clock->running && clock->least <= clock->time_ns)
        return false;
    clock->time_ns = clock->least;
    /* times may lie further apart than a signed difference could say */
    if (clock->running && (uint64_t)clock->time_ns - (uint64_t)clock->tick_ns < TICK_NS)
        return false;
    clock->running = true;
    clock->tick_ns = clock->time_ns;
    return true;
}
