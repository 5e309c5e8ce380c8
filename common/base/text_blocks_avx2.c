#include "common/base/text_blocks.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#define LANES 32
#define LANES_FOR __attribute__((target("avx2,bmi2,popcnt")))

/* Eight bytes at once: PEXT moves those together whose bits are marked. What it writes behind them
 * is written over by the next ones; at the end each byte is written by itself. */
LANES_FOR static inline char *gather(char *to, const uint8_t *bytes, const uint8_t *marks,
                                     size_t length)
{
    size_t at = 0;
    for (uint64_t word, marked; at + sizeof word <= length; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        memcpy(&marked, marks + at, sizeof marked);
        word = _pext_u64(word, marked);
        memcpy(to, &word, sizeof word);
        to += _mm_popcnt_u64(marked) / 8;
    }
    for (; at < length; at++) {
        *to = (char)bytes[at];
        to -= (int8_t)marks[at];
    }
    return to;
}

#include "common/base/text_lanes.h"

/* AMD's processors before Zen 3 may take a hundred cycles and more for a PEXT. */
static int is_slow(void)
{
    return __builtin_cpu_is("amdfam15h") || __builtin_cpu_is("amdfam17h");
}

const struct text_blocks *text_blocks_avx2(void)
{
    static const struct text_blocks blocks = {valid, clean};
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
                   __builtin_cpu_supports("popcnt") && !is_slow()
               ? &blocks
               : NULL;
}

#else

const struct text_blocks *text_blocks_avx2(void)
{
    return NULL;
}

#endif
