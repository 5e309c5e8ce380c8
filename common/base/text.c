#include "common/base/text.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/text_blocks.h"

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

/* Most text is ASCII: many bytes of that are known at once. */
enum { WORD = sizeof(uint64_t), STRIDE = 4 * WORD };

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, WORD);
    return word;
}

/* The highest bits of all of these bytes, in those of one word. */
static uint64_t high_bits(const uint8_t *bytes, size_t length)
{
    uint64_t all = 0;
    if (length < WORD) {
        for (size_t i = 0; i < length; i++)
            all |= bytes[i];
        return all;
    }
    for (size_t at = 0; at < length - WORD; at += WORD)
        all |= word_at(bytes + at);
    return all | word_at(bytes + length - WORD);
}

static bool is_ascii(const uint8_t *bytes, size_t length)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    for (; length >= STRIDE; bytes += STRIDE, length -= STRIDE)
        if (high_bits(bytes, STRIDE) & high)
            return false;
    return !(high_bits(bytes, length) & high);
}

static const struct text_blocks *blocks(void)
{
    const struct text_blocks *best = text_blocks_avx2();
    return best ? best : &TEXT_BLOCKS_ANY;
}

size_t text_valid(const uint8_t *bytes, size_t length)
{
    if (is_ascii(bytes, length))
        return length;
    size_t at = blocks()->valid(bytes, length), step;
    while (at < length && (step = sequence_length(bytes + at, length - at)) > 0)
        at += step;
    return at;
}

size_t text_clean(char *out, const uint8_t *bytes, size_t length)
{
    size_t valid = text_valid(bytes, length);
    if (valid > 0)
        memcpy(out, bytes, valid);
    if (valid == length)
        return valid;
    return valid + blocks()->clean(out + valid, bytes + valid, length - valid);
}
