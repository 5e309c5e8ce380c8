/*
 * Arithmetic on capture times, which come from outside and may be anything: it stops at the ends
 * of its range.
 */
#ifndef TAPLINE_TRACKER_MOMENT_H
#define TAPLINE_TRACKER_MOMENT_H

#include <stdint.h>

#define MOMENT_SECONDS(n) ((int64_t)(n)*1000000000)

/** Nanoseconds from `then` to `now`; negative where the clock ran backwards. */
static inline int64_t moment_since(int64_t now, int64_t then)
{
    int64_t passed;
    if (__builtin_sub_overflow(now, then, &passed))
        return now < then ? INT64_MIN : INT64_MAX;
    return passed;
}

/** The moment so many nanoseconds later. */
static inline int64_t moment_after(int64_t then, int64_t duration)
{
    int64_t moment;
    return __builtin_add_overflow(then, duration, &moment) ? INT64_MAX : moment;
}

/** The moment so many nanoseconds earlier. */
static inline int64_t moment_before(int64_t then, int64_t duration)
{
    int64_t moment;
    return __builtin_sub_overflow(then, duration, &moment) ? INT64_MIN : moment;
}

/** The later of two moments. */
static inline int64_t moment_later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
