#include "common/recognise/quic_initial.h"

#include "common/base/cursor.h"

enum {
    FORM_AND_FIXED_BIT = 0xc0,
    TYPE_BITS = 0x30,
    TYPE_INITIAL = 0x00,    /* RFC 9000, and the drafts before it */
    TYPE_INITIAL_V2 = 0x10, /* RFC 9369 */
    LONGEST_ID = 20,
};

static const uint32_t VERSION_1 = 0x00000001, VERSION_2 = 0x6b3343cf;
static const uint32_t FIRST_DRAFT = 0xff000017, LAST_DRAFT = 0xff000022; /* 23 to 34 */

bool quic_initial_recognise(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_over(bytes, length);
    uint8_t first = cursor_u8(&c);
    uint32_t version = cursor_u32(&c);
    uint8_t destination = cursor_u8(&c);
    cursor_skip(&c, destination);
    uint8_t source = cursor_u8(&c);
    cursor_skip(&c, source);
    if (c.bad || (first & FORM_AND_FIXED_BIT) != FORM_AND_FIXED_BIT || destination > LONGEST_ID ||
        source > LONGEST_ID)
        return false;
    if (version == VERSION_2)
        return (first & TYPE_BITS) == TYPE_INITIAL_V2;
    bool known = version == VERSION_1 || (version >= FIRST_DRAFT && version <= LAST_DRAFT);
    return known && (first & TYPE_BITS) == TYPE_INITIAL;
}
