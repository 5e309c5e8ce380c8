/*
 * An IPv4 or IPv6 address.
 */
#ifndef TAPLINE_COMMON_ADDRESS_H
#define TAPLINE_COMMON_ADDRESS_H

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** `length` bytes of `bytes` count, in network order; the rest are zeros. */
struct address {
    uint8_t length; /* 4 or 16; 0: none */
    uint8_t bytes[16];
};

enum { ADDRESS_TEXT = INET6_ADDRSTRLEN, IP_PORT_TEXT = 2 * (INET6_ADDRSTRLEN + 7) };

/** The address that stands in 4 or 16 bytes. It is written in one piece, as it is read in larger
 *  ones than four bytes soon. */
static inline struct address address_from(const uint8_t *bytes, size_t length)
{
    assert(length == 4 || length == 16);
    struct address a = {.length = (uint8_t)length};
    uint32_t words[4] = {0};
    memcpy(&words[0], bytes, sizeof words[0]);
    if (length == sizeof words)
        memcpy(words, bytes, sizeof words);
    memcpy(a.bytes, words, sizeof words);
    return a;
}

/** One half (0 or 1) of the bytes as a number of this machine's: for comparing and hashing. */
static inline uint64_t address_half(const struct address *a, int half)
{
    uint64_t value;
    memcpy(&value, a->bytes + 8 * half, sizeof value);
    return value;
}

/** Is it the same address? Asked for every packet, hence in place. */
static inline bool address_equal(const struct address *a, const struct address *b)
{
    return a->length == b->length && address_half(a, 0) == address_half(b, 0) &&
           address_half(a, 1) == address_half(b, 1);
}

/** Orders by family, then by bytes: <0, 0, >0. */
int address_compare(const struct address *a, const struct address *b);

/** Writes the text (dotted quad, or RFC 5952) to `out`, and returns that. */
const char *address_text(const struct address *a, char out[ADDRESS_TEXT]);

/** The records' `ip_port`: "src-sport-dst-dport". */
const char *ip_port_text(const struct address *src, uint16_t sport, const struct address *dst,
                         uint16_t dport, char out[IP_PORT_TEXT]);

#endif
