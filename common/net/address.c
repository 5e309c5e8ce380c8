#include "common/net/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "common/base/digits.h"

struct address address_from(const uint8_t *bytes, size_t length)
{
    assert(length == 4 || length == 16);
    struct address a = {.length = (uint8_t)length};
    memcpy(a.bytes, bytes, length);
    return a;
}

int address_compare(const struct address *a, const struct address *b)
{
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/* Both texts are wanted for every flow, so the plain part of them is written by hand: numbers of at
 * most five digits. */
static char *put_decimal(char *at, unsigned value)
{
    char *end = at + 1 + (value >= 10) + (value >= 100) + (value >= 1000) + (value >= 10000);
    digits_put_before(end, value);
    return end;
}

/* Writes the text without a NUL; returns where it ends. */
static char *put_address(char *at, const struct address *a)
{
    if (a->length == 16)
        return inet_ntop(AF_INET6, a->bytes, at, ADDRESS_TEXT) ? at + strlen(at) : at;
    for (size_t i = 0; i < a->length; i++) {
        at = put_decimal(at, a->bytes[i]);
        *at++ = '.';
    }
    return a->length ? at - 1 : at;
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
    at = put_decimal(at, sport);
    *at++ = '-';
    at = put_address(at, dst);
    *at++ = '-';
    *put_decimal(at, dport) = '\0';
    return out;
}
