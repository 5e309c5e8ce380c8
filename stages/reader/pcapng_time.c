#include "stages/reader/pcapng_time.h"

enum { NANO_DIGITS = 9, DIGITS_OF_64_BITS = 19, BINARY = 0x80, NANOSECONDS = 1000000000 };

/* A stamp times 10^9 needs 94 bits. */
__extension__ typedef __int128 wide_t;

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

struct pcapng_time pcapng_time_of(uint8_t resolution, int64_t offset)
{
    struct pcapng_time clock = {.multiply = 1, .divide = 1, .shift = 0, .offset = offset};
    unsigned exponent = resolution & ~(unsigned)BINARY;
    if (resolution & BINARY) {
        clock.multiply = NANOSECONDS;
        clock.shift = exponent;
    } else if (exponent <= NANO_DIGITS) {
        clock.multiply = power_of_ten(NANO_DIGITS - exponent);
    } else if (exponent - NANO_DIGITS <= DIGITS_OF_64_BITS) {
        clock.divide = power_of_ten(exponent - NANO_DIGITS);
    } else {
        clock.divide = 0;
    }
    return clock;
}

int64_t pcapng_time_ns(const struct pcapng_time *clock, uint64_t stamp)
{
    wide_t ns = 0;
    if (clock->divide == 1)
        ns = (wide_t)stamp * (wide_t)clock->multiply >> clock->shift;
    else if (clock->divide)
        ns = (wide_t)(stamp / clock->divide);
    ns += (wide_t)clock->offset * NANOSECONDS;
    if (ns > INT64_MAX)
        return INT64_MAX;
    return ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}
