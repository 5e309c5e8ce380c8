/*
 * What the ways of text_blocks.h have in common, in vectors of as many lanes as whoever includes
 * this has defined: a byte in each, where what is true is -1. Lanes have a sign, as processors
 * compare those best. LANES_FOR is the attribute of what is compiled for such a processor, and
 * gather() has to be there:
 *
 *     Writes those of at most BLOCK bytes whose mark is not 0, which then is 0xff, to `to`, where
 *     there is room for all of them; returns where that ends.
 *     static inline char *gather(char *to, const uint8_t *bytes, const uint8_t *marks,
 *                                size_t length);
 */
#ifndef TAPLINE_COMMON_TEXT_LANES_H
#define TAPLINE_COMMON_TEXT_LANES_H

#include <stdbool.h>
#include <string.h>

enum { BLOCK = 128, SEEN = BLOCK + LANES };
typedef int8_t lanes __attribute__((vector_size(LANES)));

LANES_FOR static inline lanes load(const uint8_t *bytes)
{
    lanes loaded;
    memcpy(&loaded, bytes, sizeof loaded);
    return loaded;
}

/* As text_sequence for each byte, with three more behind them: one that leads a longer sequence is
 * nothing where that is cut off, overlong, a surrogate, or behind U+10FFFF. */
LANES_FOR static inline lanes sequence_lengths(const uint8_t *bytes)
{
    lanes a = load(bytes), b = load(bytes + 1), c = load(bytes + 2), d = load(bytes + 3);
    lanes leads = (a > (int8_t)0xc1) & (a < (int8_t)0xf5) & (b < (int8_t)0xc0);
    lanes three = a > (int8_t)0xdf, four = a > (int8_t)0xef;
    lanes cut = (three & (c > (int8_t)0xbf)) | (four & (d > (int8_t)0xbf));
    lanes low = b < (int8_t)0xa0, lowest = b < (int8_t)0x90;
    lanes wrong = ((a == (int8_t)0xe0) & low) | ((a == (int8_t)0xed) & ~low) |
                  ((a == (int8_t)0xf0) & lowest) | ((a == (int8_t)0xf4) & ~lowest);
    return (leads & ~(cut | wrong) & (2 - three - four)) - (a > -1);
}

/* The block that the bytes (one at least) begin with, and some behind it; where they are fewer they
 * stand in `room`, before zeros, which complete no sequence. */
LANES_FOR static inline const uint8_t *block_at(const uint8_t *bytes, size_t left,
                                                uint8_t room[SEEN])
{
    if (left >= SEEN)
        return bytes;
    memset(room, 0, SEEN);
    return memcpy(room, bytes, left);
}

/* Marks which bytes of a block are kept: those of the sequences that begin there or reach in.
 * `lengths` begins with those of the bytes before it, and then with those of its last ones. Returns
 * whether all are. */
LANES_FOR static inline bool judge(uint8_t marks[BLOCK], uint8_t lengths[LANES + BLOCK],
                                   const uint8_t *block)
{
    const lanes all = (lanes){0} == 0;
    lanes every = all;
    for (size_t i = 0; i < BLOCK; i += LANES) {
        lanes here = sequence_lengths(block + i);
        memcpy(lengths + LANES + i, &here, LANES);
    }
    for (size_t i = 0; i < BLOCK; i += LANES) {
        const uint8_t *at = lengths + LANES + i;
        lanes here = (load(at) > 0) | (load(at - 1) > 1) | (load(at - 2) > 2) | (load(at - 3) > 3);
        every &= here;
        memcpy(marks + i, &here, LANES);
    }
    memcpy(lengths, lengths + BLOCK, LANES);
    return memcmp(&every, &all, LANES) == 0;
}

LANES_FOR static size_t valid(const uint8_t *bytes, size_t length)
{
    uint8_t room[SEEN], lengths[LANES + BLOCK] = {0}, marks[BLOCK];
    size_t at = 0;
    while (at < length && judge(marks, lengths, block_at(bytes + at, length - at, room)))
        at += BLOCK;
    if (at >= length)
        return length;
    while (at && (bytes[at] & 0xc0) == 0x80)
        at--;
    return at;
}

LANES_FOR static size_t clean(char *out, const uint8_t *bytes, size_t length)
{
    uint8_t room[SEEN], lengths[LANES + BLOCK] = {0}, marks[BLOCK];
    char *to = out;
    for (size_t at = 0; at < length; at += BLOCK) {
        size_t left = length - at;
        const uint8_t *block = block_at(bytes + at, left, room);
        judge(marks, lengths, block);
        to = gather(to, block, marks, left < BLOCK ? left : BLOCK);
    }
    return (size_t)(to - out);
}

#endif
