#include "common/base/text.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/big_endian.h"

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

size_t text_valid(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        if (length - at >= WORD && is_ascii_word(bytes + at)) {
            at += WORD;
            continue;
        }
        size_t step = sequence_length(bytes + at, length - at);
        if (!step)
            break;
        at += step;
    }
    return at;
}

/* May a sequence of more than one byte begin here? The upper bits of two bytes say so. */
static bool leads(const uint8_t *b)
{
    return (big_endian_16(b) & 0xc0c0) == 0xc080;
}

/* What is dropped is mostly of bodies that are no text at all. Their bytes follow no pattern that a
 * branch could be predicted by: each is written, and the next one over it where it has
 * to go. */
size_t text_clean(char *out, const uint8_t *bytes, size_t length)
{
    size_t used = 0, at = 0, step;
    while (at + 1 < length) {
        if (length - at >= WORD && is_ascii_word(bytes + at)) {
            memmove(out + used, bytes + at, WORD);
            used += WORD;
            at += WORD;
            continue;
        }
        for (size_t stop = length - at > WORD ? at + WORD : length - 1; at < stop;) {
            if (leads(bytes + at) && (step = sequence_length(bytes + at, length - at)) > 0) {
                for (; step > 0; step--)
                    out[used++] = (char)bytes[at++];
            } else {
                out[used] = (char)bytes[at];
                used += bytes[at++] < 0x80;
            }
        }
    }
    if (at < length && bytes[at] < 0x80)
        out[used++] = (char)bytes[at];
    return used;
}
