/*
 * Decimal digits, two at a time: most of what a record holds is numbers.
 */
#ifndef TAPLINE_COMMON_DIGITS_H
#define TAPLINE_COMMON_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** "00", "01" ... "99". */
extern const char DIGIT_PAIRS[200];

/** Writes a number below 100 as two digits. */
static inline void digits_put_pair(char at[2], unsigned value)
{
    memcpy(at, DIGIT_PAIRS + 2 * (size_t)value, 2);
}

/** Writes a number's digits so that they end before `end`; returns where they begin. */
static inline char *digits_put_before(char *end, uint64_t value)
{
    for (; value >= 100; value /= 100)
        digits_put_pair(end -= 2, (unsigned)(value % 100));
    if (value >= 10)
        digits_put_pair(end -= 2, (unsigned)value);
    else
        *--end = (char)('0' + value);
    return end;
}

/** How many digits a number has. */
static inline unsigned digits_count(uint64_t value)
{
    unsigned count = 1;
    for (; value >= 10000; value /= 10000)
        count += 4;
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

/** Writes a number's digits, 20 at most, and returns where they end. */
static inline char *digits_put(char *at, uint64_t value)
{
    char *end = at + digits_count(value);
    digits_put_before(end, value);
    return end;
}

#endif
