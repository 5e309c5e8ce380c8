/*
 * What time it is: for waits, and for messages to people. Records know capture time only.
 */
#ifndef TAPLINE_COMMON_CLOCK_H
#define TAPLINE_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_read(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/** Nanoseconds since some moment; never runs backwards. */
static inline int64_t clock_monotonic(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

/** Nanoseconds since 1970, as this machine has it. */
static inline int64_t clock_wall(void)
{
    return clock_read(CLOCK_REALTIME);
}

#endif
