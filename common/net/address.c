#include "common/net/address.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/big_endian.h"
#include "common/base/digits.h"

int address_compare(const struct address *a, const struct address *b)
{
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static char *put_hexadecimal(char *at, unsigned value)
{
    int shift = value >= 0x1000 ? 12 : value >= 0x100 ? 8 : value >= 0x10 ? 4 : 0;
    for (; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[value >> shift & 15];
    return at;
}

static char *put_ipv4(char *at, const uint8_t *bytes)
{
    for (int i = 0; i < 4; i++) {
        at = digits_put(at, bytes[i]);
        *at++ = '.';
    }
    return at - 1;
}

/* As RFC 5952 has it and inet_ntop writes it: "::" is for the longest run of zeros, the first of
 * equals and never a single one; an IPv4 address within stands as that. */
static char *put_ipv6(char *at, const uint8_t *bytes)
{
    enum { WORDS = 8, LAST_TWO = 6 };
    int first = -1, longest = 1;
    uint16_t words[WORDS];
    for (int i = 0, run = 0; i < WORDS; i++) {
        words[i] = big_endian_16(bytes + 2 * i);
        run = words[i] ? 0 : run + 1;
        if (run > longest) {
            longest = run;
            first = i + 1 - run;
        }
    }
    bool ipv4 = first == 0 && (longest == 6 || (longest == 5 && words[5] == 0xffff));
    for (int i = 0; i < WORDS; i++) {
        if (i > 0 || i == first)
            *at++ = ':';
        if (i == first) {
            i += longest - 1;
            if (i == WORDS - 1)
                *at++ = ':';
        } else if (ipv4 && i == LAST_TWO) {
            return put_ipv4(at, bytes + 2 * LAST_TWO);
        } else {
            at = put_hexadecimal(at, words[i]);
        }
    }
    return at;
}

/* Writes the text without a NUL; returns where it ends. */
static char *put_address(char *at, const struct address *a)
{
    return a->length == 16 ? put_ipv6(at, a->bytes) : a->length ? put_ipv4(at, a->bytes) : at;
}

const char *address_text(const struct address *a, char out[ADDRESS_TEXT])
{
    *put_address(out, a) = '\0';
    return out;
}

const char *ip_port_text(const struct address *src, uint16_t sport, const struct address *dst,
                         uint16_t dport, char out[IP_PORT_TEXT])
{
    char *at = put_address(out, src);
    *at++ = '-';
    at = digits_put(at, sport);
    *at++ = '-';
    at = put_address(at, dst);
    *at++ = '-';
    *digits_put(at, dport) = '\0';
    return out;
}
