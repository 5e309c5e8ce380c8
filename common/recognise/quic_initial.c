#include "common/recognise/quic_initial.h"

#include "common/base/cursor.h"
#include "common/recognise/quic_version.h"

enum {
    FORM_AND_FIXED_BIT = 0xc0,
    TYPE_SHIFT = 4,
    TYPE_MASK = 3,
    LONGEST_ID = 20,
};

bool quic_initial_recognise(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_over(bytes, length);
    uint8_t first = cursor_u8(&c);
    const struct quic_version *version = quic_version_find(cursor_u32(&c));
    uint8_t destination = cursor_u8(&c);
    cursor_skip(&c, destination);
    uint8_t source = cursor_u8(&c);
    cursor_skip(&c, source);
    if (c.bad || (first & FORM_AND_FIXED_BIT) != FORM_AND_FIXED_BIT || destination > LONGEST_ID ||
        source > LONGEST_ID)
        return false;
    return version && (first >> TYPE_SHIFT & TYPE_MASK) == version->initial;
}
