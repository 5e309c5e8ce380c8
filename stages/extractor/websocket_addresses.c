#include "stages/extractor/websocket_addresses.h"

#include <stdbool.h>
#include <string.h>

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
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

/* A number has ended: looks for an address that ends with it. The tail is one byte longer than any
 * address, so the digit before a long number is still there to be seen. */
static int look_back(struct websocket_addresses *a)
{
    const char *end = a->tail + a->tail_length;
    if (a->tail_length == 0 || !is_digit(end[-1]))
        return 0;
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
    int error = 0;
    for (size_t i = 0; i < length && !error; i++) {
        char byte = (char)piece[i];
        if (!is_digit(byte))
            error = look_back(a);
        if (is_digit(byte) || byte == '.' || byte == ':')
            extend(a, byte);
        else
            a->tail_length = 0;
    }
    return error;
}

int websocket_addresses_end(struct websocket_addresses *a)
{
    int error = look_back(a);
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
