#include "common/base/jsonw.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/digits.h"
#include "common/base/text.h"

enum { LONGEST_UINT = 20, LONGEST_DOUBLE = 32, LONGEST_ESCAPE = 6, LONGEST_SEQUENCE = 4 };
enum { PIECE = 512 };

/* Appends bytes that are a value's first or only ones, set apart from what stands before them. */
static void put(struct jsonw *w, const void *bytes, size_t length)
{
    uint8_t *at = buffer_reserve(w->out, length + 2);
    if (!at)
        return;
    if (w->follows) {
        *at++ = ',';
        *at++ = ' ';
        w->out->length += 2;
    }
    memcpy(at, bytes, length);
    w->out->length += length;
    w->follows = true;
}

static void open_bracket(struct jsonw *w, char bracket)
{
    put(w, &bracket, 1);
    w->follows = false;
}

static void close_bracket(struct jsonw *w, char bracket)
{
    buffer_append(w->out, &bracket, 1);
    w->follows = true;
}

void jsonw_open_object(struct jsonw *w)
{
    open_bracket(w, '{');
}

void jsonw_close_object(struct jsonw *w)
{
    close_bracket(w, '}');
}

void jsonw_open_array(struct jsonw *w)
{
    open_bracket(w, '[');
}

void jsonw_close_array(struct jsonw *w)
{
    close_bracket(w, ']');
}

/* Writes one escaped character; returns how many bytes that took. */
static size_t escape(uint8_t *out, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    static const char short_form[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    out[0] = '\\';
    if (c >= 0x20 || short_form[c]) {
        out[1] = c >= 0x20 ? c : (uint8_t)short_form[c];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = (uint8_t)hex[c >> 4];
    out[5] = (uint8_t)hex[c & 0x0f];
    return 6;
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Marks the highest bit of bytes that are not plain. Of eight in memory's order the first one that
 * is marked is one; others behind it may be marked by what it borrowed from them. */
static uint64_t mark_not_plain(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
    return (word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & high;
}

/* Copies the plain text up to the first byte that is not, and maybe some more; how much is plain.
 */
static size_t copy_plain(uint8_t *out, const uint8_t *text, size_t length)
{
    size_t at = 0;
    for (; length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word, marked;
        memcpy(&word, text + at, sizeof word);
        memcpy(out + at, &word, sizeof word);
        marked = mark_not_plain(le64toh(word));
        if (marked)
            return at + (size_t)__builtin_ctzll(marked) / 8;
    }
    for (; at < length && is_plain(text[at]); at++)
        out[at] = text[at];
    return at;
}

/* Writes the text before `stop`, and what of a sequence lies beyond; where in the text that ends.
 * `out` is moved behind what was written. */
static const uint8_t *put_piece(uint8_t **out, const uint8_t *text, const uint8_t *stop,
                                const uint8_t *end)
{
    while (text < stop) {
        size_t length = copy_plain(*out, text, (size_t)(stop - text));
        *out += length;
        text += length;
        if (text == stop)
            break;
        if (*text < 0x80) {
            *out += escape(*out, *text++);
            continue;
        }
        length = text_sequence(text, (size_t)(end - text));
        memcpy(*out, text, length);
        *out += length;
        text += length ? length : 1;
    }
    return text;
}

/* Goes piece by piece, as there must be room for the worst. */
void jsonw_text(struct jsonw *w, const void *text, size_t length)
{
    const uint8_t *at = text, *end = length ? at + length : at;
    put(w, "\"", 1);
    while (at < end) {
        size_t piece = end - at < PIECE ? (size_t)(end - at) : PIECE;
        uint8_t *room = buffer_reserve(w->out, LONGEST_ESCAPE * piece + LONGEST_SEQUENCE);
        if (!room)
            return;
        uint8_t *out = room;
        at = put_piece(&out, at, at + piece, end);
        w->out->length += (size_t)(out - room);
    }
    buffer_append(w->out, "\"", 1);
}

void jsonw_plain(struct jsonw *w, const char *text, size_t length)
{
    put(w, "\"", 1);
    uint8_t *at = buffer_reserve(w->out, length + 1);
    if (!at)
        return;
    memcpy(at, text, length);
    at[length] = '"';
    w->out->length += length + 1;
}

static void end_name(struct jsonw *w)
{
    buffer_append(w->out, ": ", 2);
    w->follows = false;
}

void jsonw_name(struct jsonw *w, const void *name, size_t length)
{
    jsonw_text(w, name, length);
    end_name(w);
}

/* Every value of every record has such a name, so it is written at one go. */
void jsonw_plain_name(struct jsonw *w, const char *name, size_t length)
{
    uint8_t *at = buffer_reserve(w->out, length + sizeof ", \"\": ");
    if (!at)
        return;
    uint8_t *start = at;
    if (w->follows) {
        *at++ = ',';
        *at++ = ' ';
    }
    *at++ = '"';
    memcpy(at, name, length);
    at += length;
    memcpy(at, "\": ", 3);
    w->out->length += (size_t)(at + 3 - start);
    w->follows = false;
}

void jsonw_key(struct jsonw *w, const char *name)
{
    jsonw_plain_name(w, name, strlen(name));
}

void jsonw_uint(struct jsonw *w, uint64_t value)
{
    char text[LONGEST_UINT], *end = text + sizeof text;
    char *start = digits_put_before(end, value);
    put(w, start, (size_t)(end - start));
}

void jsonw_int(struct jsonw *w, int64_t value)
{
    char text[LONGEST_UINT + 1], *end = text + sizeof text;
    char *start = digits_put_before(end, value < 0 ? -(uint64_t)value : (uint64_t)value);
    if (value < 0)
        *--start = '-';
    put(w, start, (size_t)(end - start));
}

/*
 * A number of millionths below 10^15, written as a decimal. That is its shortest form: two
 * decimals of at most 15 digits are never the same double. It is how times in milliseconds come,
 * a hundred times as fast as printing and reading back.
 */
static bool put_millionths(struct jsonw *w, double value)
{
    double scaled = nearbyint(value * 1e6);
    bool plain = (scaled >= 100 && scaled < 1e15) || (value == 0 && !signbit(value));
    if (!plain || scaled / 1e6 != value)
        return false;
    char text[LONGEST_UINT + 1], *end = text + sizeof text, *stop = end;
    uint64_t whole = (uint64_t)scaled / 1000000, fraction = (uint64_t)scaled % 1000000;
    for (int i = 0; i < 3; i++, fraction /= 100)
        digits_put_pair(end -= 2, (unsigned)(fraction % 100));
    while (stop - end > 1 && stop[-1] == '0')
        stop--;
    *--end = '.';
    char *start = digits_put_before(end, whole);
    put(w, start, (size_t)(stop - start));
    return true;
}

/* The digits of `value` ("d.ddde[+-]x") with the fewest that read back as the same. */
static void shortest_digits(double value, char text[LONGEST_DOUBLE])
{
    for (int precision = 0; precision <= 16; precision++) {
        snprintf(text, LONGEST_DOUBLE, "%.*e", precision, value);
        if (strtod(text, NULL) == value)
            return;
    }
}

/* Any number, in Python's choice of forms: with an exponent below -4 and from 16 on. */
static void put_shortest(struct jsonw *w, double value)
{
    char digits[LONGEST_DOUBLE], text[2 * LONGEST_DOUBLE];
    shortest_digits(fabs(value), digits);
    char *mark = strchr(digits, 'e');
    int exponent = atoi(mark + 1);
    *mark = '\0';
    int decimals = mark - digits > 2 ? (int)(mark - digits) - 2 : 0;
    const char *sign = signbit(value) ? "-" : "";
    int length;
    if (exponent < -4 || exponent >= 16) {
        length = snprintf(text, sizeof text, "%s%se%c%02d", sign, digits, exponent < 0 ? '-' : '+',
                          abs(exponent));
    } else {
        int shown = decimals - exponent > 1 ? decimals - exponent : 1;
        length = snprintf(text, sizeof text, "%.*f", shown, value);
    }
    put(w, text, (size_t)length);
}

void jsonw_double(struct jsonw *w, double value)
{
    if (!isfinite(value))
        jsonw_null(w);
    else if (!put_millionths(w, value))
        put_shortest(w, value);
}

void jsonw_bool(struct jsonw *w, bool value)
{
    if (value)
        put(w, "true", 4);
    else
        put(w, "false", 5);
}

void jsonw_null(struct jsonw *w)
{
    put(w, "null", 4);
}

void jsonw_raw(struct jsonw *w, const void *json, size_t length)
{
    put(w, json, length);
}
