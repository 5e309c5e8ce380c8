#include "common/net/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

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

const char *address_text(const struct address *a, char out[ADDRESS_TEXT])
{
    if (!a->length || !inet_ntop(a->length == 4 ? AF_INET : AF_INET6, a->bytes, out, ADDRESS_TEXT))
        out[0] = '\0';
    return out;
}

const char *ip_port_text(const struct address *src, uint16_t sport, const struct address *dst,
                         uint16_t dport, char out[IP_PORT_TEXT])
{
    char from[ADDRESS_TEXT], to[ADDRESS_TEXT];
    snprintf(out, IP_PORT_TEXT, "%s-%u-%s-%u", address_text(src, from), sport,
             address_text(dst, to), dport);
    return out;
}
