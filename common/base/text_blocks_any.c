#include "common/base/text_blocks.h"

#define LANES 16
#define LANES_FOR

/* Each byte is written, and the next one over it where it has to go. */
static inline char *put(char *to, const uint8_t *bytes, const uint8_t *marks, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        *to = (char)bytes[i];
        to -= (int8_t)marks[i];
    }
    return to;
}

/* A known number at a time, for which the compiler needs no loop. */
static inline char *gather(char *to, const uint8_t *bytes, const uint8_t *marks, size_t length)
{
    size_t at = 0;
    for (; at + LANES <= length; at += LANES)
        to = put(to, bytes + at, marks + at, LANES);
    return put(to, bytes + at, marks + at, length - at);
}

#include "common/base/text_lanes.h"

const struct text_blocks TEXT_BLOCKS_ANY = {valid, clean};
