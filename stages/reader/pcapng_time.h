/*
 * The clock of one interface of a pcapng file: its time stamps are 64-bit counts of a unit that
 * the interface's options name (draft-ietf-opsawg-pcapng, section 4.2).
 */
#ifndef TAPLINE_READER_PCAPNG_TIME_H
#define TAPLINE_READER_PCAPNG_TIME_H

#include <stdint.h>

struct pcapng_time {
    uint64_t multiply; /* ns = stamp * multiply / divide >> shift */
    uint64_t divide;   /* 0: the unit is so small that every stamp is within the first ns */
    unsigned shift;
    int64_t offset; /* seconds to add */
};

/** `resolution`: the if_tsresol option's byte: the unit is 10^-n s, or 2^-n s where its upper bit
 *  is set (6, microseconds, where the option is not there). `offset`: if_tsoffset's seconds. */
struct pcapng_time pcapng_time_of(uint8_t resolution, int64_t offset);

/** A stamp in nanoseconds since 1970; what does not fit becomes the closest that does. */
int64_t pcapng_time_ns(const struct pcapng_time *clock, uint64_t stamp);

#endif
