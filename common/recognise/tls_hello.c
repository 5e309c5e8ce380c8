#include "common/recognise/tls_hello.h"

#include <stdbool.h>

#include "common/base/cursor.h"

enum {
    RECORD_HANDSHAKE = 22,
    RECORD_MOST = (1 << 14) + 2048, /* RFC 5246, section 6.2.3 */
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    CLIENT_HELLO_LEAST = 41, /* version, random, and the least of everything behind */
    SERVER_HELLO_LEAST = 38,
    HELLO_MOST = 1 << 18,
    OPENING = 6, /* handshake type, length, version: what is looked at of the message */
};

/* Collects the first bytes of the handshake message: a record may hold as little as one. */
static enum verdict opening(struct cursor *c, uint8_t out[OPENING])
{
    for (size_t have = 0; have < OPENING;) {
        if (cursor_left(c) >= 1 && c->at[0] != RECORD_HANDSHAKE)
            return VERDICT_NO;
        if (cursor_left(c) >= 2 && c->at[1] != 3)
            return VERDICT_NO;
        if (cursor_left(c) >= 3 && c->at[2] > 4)
            return VERDICT_NO;
        cursor_skip(c, 3);
        uint16_t record = cursor_u16(c);
        if (!c->bad && (record == 0 || record > RECORD_MOST))
            return VERDICT_NO;
        for (; record > 0 && have < OPENING; record--) {
            out[have] = cursor_u8(c);
            if (!c->bad && have == 0 && out[0] != CLIENT_HELLO && out[0] != SERVER_HELLO)
                return VERDICT_NO;
            have++;
        }
        if (c->bad)
            return VERDICT_MORE;
    }
    return VERDICT_YES;
}

static enum verdict tls(struct cursor c)
{
    uint8_t first[OPENING];
    enum verdict verdict = opening(&c, first);
    if (verdict != VERDICT_YES)
        return verdict;
    uint32_t length = (uint32_t)first[1] << 16 | (uint32_t)first[2] << 8 | first[3];
    uint32_t least = first[0] == CLIENT_HELLO ? CLIENT_HELLO_LEAST : SERVER_HELLO_LEAST;
    bool plausible = length >= least && length <= HELLO_MOST && first[4] == 3 && first[5] <= 4;
    return plausible ? VERDICT_YES : VERDICT_NO;
}

/* The lengths of an SSLv2 hello must add up, which is what makes 11 bytes evidence enough. */
static enum verdict ssl2(struct cursor c)
{
    if ((cursor_left(&c) >= 1 && !(c.at[0] & 0x80)) ||
        (cursor_left(&c) >= 3 && c.at[2] != CLIENT_HELLO))
        return VERDICT_NO;
    uint16_t length = cursor_u16(&c) & 0x7fff;
    cursor_skip(&c, 1);
    uint16_t version = cursor_u16(&c);
    if (!c.bad && version != 0x0002 && (version < 0x0300 || version > 0x0304))
        return VERDICT_NO;
    uint16_t ciphers = cursor_u16(&c), session = cursor_u16(&c), challenge = cursor_u16(&c);
    if (c.bad)
        return VERDICT_MORE;
    bool plausible = ciphers > 0 && ciphers % 3 == 0 && (session == 0 || session == 16) &&
                     challenge >= 16 && challenge <= 32 &&
                     length == 9u + ciphers + session + challenge;
    return plausible ? VERDICT_YES : VERDICT_NO;
}

enum verdict tls_hello_recognise(const uint8_t *bytes, size_t length)
{
    enum verdict verdict = tls(cursor_over(bytes, length));
    return verdict == VERDICT_NO ? ssl2(cursor_over(bytes, length)) : verdict;
}
