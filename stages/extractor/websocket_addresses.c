#include "stages/extractor/websocket_addresses.h"

#include <stdbool.h>
#include <string.h>

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Does an address have such bytes? */
static bool belongs(char byte)
{
    static const bool known[256] = {
        ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true,
        ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true, ['.'] = true, [':'] = true,
    };
    return known[(uint8_t)byte];
}

/* Steps over a number of at most `digits` digits from `least` to `most`, and the byte behind it. */
static bool number(const char **at, const char *end, int digits, unsigned least, unsigned most,
                   char behind)
{
    unsigned value = 0;
    const char *from = *at;
    for (; *at < end && is_digit(**at) && *at - from < digits; (*at)++)
        value = value * 10 + (unsigned)(**at - '0');
    if (*at == from || value < least || value > most)
        return false;
    return behind ? *at < end && *(*at)++ == behind : *at == end;
}

static bool is_address(const char *at, const char *end)
{
    return number(&at, end, 3, 0, 255, '.') && number(&at, end, 3, 0, 255, '.') &&
           number(&at, end, 3, 0, 255, '.') && number(&at, end, 3, 0, 255, ':') &&
           number(&at, end, 5, 1, 65535, '\0');
}

static int keep(struct websocket_addresses *a, const char *from, const char *end)
{
    if (a->count == WEBSOCKET_ADDRESSES_MOST) {
        a->dropped++;
        return 0;
    }
    a->count++;
    buffer_append(&a->found, from, (size_t)(end - from));
    return buffer_append(&a->found, "", 1);
}

/* Could an address end where the tail does? Most numbers of a text have nothing to do with one. */
static bool may_be_address(const struct websocket_addresses *a)
{
    enum { SHORTEST = sizeof "0.0.0.0:1" - 1 };
    return a->tail_length >= SHORTEST && is_digit(a->tail[a->tail_length - 1]) &&
           memchr(a->tail, ':', a->tail_length);
}

/* A number has ended: looks for an address that ends with it. The tail is one byte longer than any
 * address, so the digit before a long number is still there to be seen. */
static int look_back(struct websocket_addresses *a)
{
    const char *end = a->tail + a->tail_length;
    for (const char *at = a->tail; at < end; at++) {
        bool begins = is_digit(*at) && (at == a->tail || !is_digit(at[-1]));
        if (begins && is_address(at, end)) {
            a->tail_length = 0;
            return keep(a, at, end);
        }
    }
    return 0;
}

static void extend(struct websocket_addresses *a, char byte)
{
    if (a->tail_length == sizeof a->tail)
        memmove(a->tail, a->tail + 1, --a->tail_length);
    a->tail[a->tail_length++] = byte;
}

int websocket_addresses_read(struct websocket_addresses *a, const uint8_t *piece, size_t length)
{
    const char *at = (const char *)piece, *end = at + length;
    int error = 0;
    while (at < end && !error) {
        if (!is_digit(*at) && may_be_address(a))
            error = look_back(a);
        if (belongs(*at)) {
            extend(a, *at++);
            continue;
        }
        a->tail_length = 0;
        while (at < end && !belongs(*at))
            at++;
    }
    return error;
}

int websocket_addresses_end(struct websocket_addresses *a)
{
    int error = may_be_address(a) ? look_back(a) : 0;
    a->tail_length = 0;
    return error;
}

void websocket_addresses_break(struct websocket_addresses *a)
{
    /* More digits than any number has: what follows directly cannot become one. */
    static const char endless[] = "000000";
    a->tail_length = sizeof endless - 1;
    memcpy(a->tail, endless, a->tail_length);
}

void websocket_addresses_clear(struct websocket_addresses *a)
{
    buffer_clear(&a->found);
    a->tail_length = a->count = 0;
    a->dropped = 0;
}
