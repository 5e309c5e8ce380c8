#include "common/recognise/quic_initial.h"

#include "common/base/cursor.h"
#include "common/recognise/quic_version.h"

enum {
    FORM_AND_FIXED_BIT = 0xc0,
    TYPE_SHIFT = 4,
    TYPE_MASK = 3,
    LONGEST_ID = 20,
};

/* Steps over the rest of a packet that is not an Initial: its length stands there (RFC 9000,
 * sections 16 and 17.2). */
static bool step_over(struct cursor *c)
{
    uint8_t first = cursor_u8(c);
    uint64_t length = first & 0x3f;
    for (unsigned more = (1u << (first >> 6)) - 1; more > 0; more--)
        length = length << 8 | cursor_u8(c);
    return !c->bad && length <= cursor_left(c) && cursor_skip(c, (size_t)length);
}

/* Packets of other types may stand ahead of it (RFC 9000, section 12.2). */
bool quic_initial_recognise(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_over(bytes, length);
    do {
        uint8_t first = cursor_u8(&c), type = first >> TYPE_SHIFT & TYPE_MASK;
        if ((first & FORM_AND_FIXED_BIT) != FORM_AND_FIXED_BIT)
            return false;
        const struct quic_version *version = quic_version_find(cursor_u32(&c));
        uint8_t destination = cursor_u8(&c);
        cursor_skip(&c, destination);
        uint8_t source = cursor_u8(&c);
        cursor_skip(&c, source);
        if (c.bad || !version || destination > LONGEST_ID || source > LONGEST_ID ||
            type == version->retry)
            return false;
        if (type == version->initial)
            return true;
    } while (step_over(&c));
    return false;
}
