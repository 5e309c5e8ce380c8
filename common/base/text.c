#include "common/base/text.h"

#include <stdbool.h>
#include <string.h>

/* RFC 3629, section 4. */
static size_t sequence_length(const uint8_t *b, size_t left)
{
    if (b[0] < 0x80)
        return 1;
    if (b[0] < 0xc2 || b[0] > 0xf4)
        return 0;
    size_t need = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (left < need)
        return 0;
    uint8_t low = 0x80, high = 0xbf;
    if (b[0] == 0xe0)
        low = 0xa0;
    else if (b[0] == 0xed)
        high = 0x9f;
    else if (b[0] == 0xf0)
        low = 0x90;
    else if (b[0] == 0xf4)
        high = 0x8f;
    if (b[1] < low || b[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if (b[i] < 0x80 || b[i] > 0xbf)
            return 0;
    return need;
}

size_t text_sequence(const uint8_t *bytes, size_t left)
{
    return sequence_length(bytes, left);
}

/* Most text is ASCII: eight bytes of that are known at once. */
enum { WORD = sizeof(uint64_t) };

static bool is_ascii_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, WORD);
    return !(word & UINT64_C(0x8080808080808080));
}

static bool is_ascii(const uint8_t *bytes, size_t length)
{
    if (length < WORD) {
        uint8_t all = 0;
        for (size_t i = 0; i < length; i++)
            all |= bytes[i];
        return all < 0x80;
    }
    for (size_t at = 0; at < length - WORD; at += WORD)
        if (!is_ascii_word(bytes + at))
            return false;
    return is_ascii_word(bytes + length - WORD);
}

/* What is not ASCII is mostly of bodies that are no text at all. Their bytes follow no pattern that
 * a branch could be predicted by, so they are looked at without one: sixteen at once, each in a lane
 * of a vector, where what is true is -1. Lanes have a sign, as processors compare those best. */
enum { LANES = 16, BLOCK = 8 * LANES, SEEN = BLOCK + LANES };
typedef int8_t lanes __attribute__((vector_size(LANES)));

static inline lanes load(const uint8_t *bytes)
{
    lanes loaded;
    memcpy(&loaded, bytes, sizeof loaded);
    return loaded;
}

/* As sequence_length for each of sixteen bytes, with three more behind them: one that leads a
 * longer sequence is nothing where that is cut off, overlong, a surrogate, or behind U+10FFFF. */
static inline lanes sequence_lengths(const uint8_t *bytes)
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
static const uint8_t *block_at(const uint8_t *bytes, size_t left, uint8_t room[SEEN])
{
    if (left >= SEEN)
        return bytes;
    memset(room, 0, SEEN);
    return memcpy(room, bytes, left);
}

/* Which bytes of a block are kept, 1 or 0 each: those of the sequences that begin there or reach
 * in. `lengths` begins with those of the 16 bytes before it, and then with those of its last 16.
 * Returns whether all are. */
static inline bool judge(uint8_t kept[BLOCK], uint8_t lengths[LANES + BLOCK], const uint8_t *block)
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
        here &= 1;
        memcpy(kept + i, &here, LANES);
    }
    memcpy(lengths, lengths + BLOCK, LANES);
    return memcmp(&every, &all, LANES) == 0;
}

/* How many bytes are valid, by whole blocks, up to the beginning of a sequence. */
static size_t valid_blocks(const uint8_t *bytes, size_t length)
{
    uint8_t room[SEEN], lengths[LANES + BLOCK] = {0}, kept[BLOCK];
    size_t at = 0;
    while (at < length && judge(kept, lengths, block_at(bytes + at, length - at, room)))
        at += BLOCK;
    if (at >= length)
        return length;
    while (at && (bytes[at] & 0xc0) == 0x80)
        at--;
    return at;
}

size_t text_valid(const uint8_t *bytes, size_t length)
{
    if (is_ascii(bytes, length))
        return length;
    size_t at = valid_blocks(bytes, length), step;
    while (at < length && (step = sequence_length(bytes + at, length - at)) > 0)
        at += step;
    return at;
}

/* Each byte is written, and the next one over it where it has to go. */
static inline char *put(char *to, const uint8_t *bytes, const uint8_t *kept, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        *to = (char)bytes[i];
        to += kept[i];
    }
    return to;
}

/* A known number at a time, for which the compiler needs no loop. */
static size_t gather(char *out, const uint8_t *bytes, const uint8_t *kept, size_t length)
{
    enum { STEP = 16 };
    char *to = out;
    size_t at = 0;
    for (; at + STEP <= length; at += STEP)
        to = put(to, bytes + at, kept + at, STEP);
    to = put(to, bytes + at, kept + at, length - at);
    return (size_t)(to - out);
}

static size_t clean_blocks(char *out, const uint8_t *bytes, size_t length)
{
    uint8_t room[SEEN], lengths[LANES + BLOCK] = {0}, kept[BLOCK];
    size_t used = 0;
    for (size_t at = 0; at < length; at += BLOCK) {
        size_t left = length - at;
        const uint8_t *block = block_at(bytes + at, left, room);
        judge(kept, lengths, block);
        used += gather(out + used, block, kept, left < BLOCK ? left : BLOCK);
    }
    return used;
}

size_t text_clean(char *out, const uint8_t *bytes, size_t length)
{
    size_t valid = text_valid(bytes, length);
    if (valid > 0)
        memcpy(out, bytes, valid);
    if (valid == length)
        return valid;
    return valid + clean_blocks(out + valid, bytes + valid, length - valid);
}
