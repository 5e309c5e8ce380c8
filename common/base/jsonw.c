#include "common/base/jsonw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/digits.h"
#include "common/base/text.h"

enum { LONGEST_UINT = 20, LONGEST_DOUBLE = 32, LONGEST_MARK = 2 };

/* Text goes piece by piece, each with what sets it apart, its quotation marks, and room for what is
 * written beyond its end. */
enum { PIECE = 512, LONGEST_ESCAPE = 6, SPELLING_BYTES = 8 };
enum { ROOM_AROUND = LONGEST_MARK + 2 + SPELLING_BYTES };

/* Sets what comes next apart from what stands before it; where that comes. */
static inline uint8_t *set_apart(const struct jsonw *w, uint8_t *at)
{
    if (!w->follows)
        return at;
    memcpy(at, ", ", LONGEST_MARK);
    return at + LONGEST_MARK;
}

/* What was written ends at `at`. */
static inline void end_at(struct jsonw *w, const uint8_t *at)
{
    w->out->length = (size_t)(at - w->out->bytes);
}

/* Appends bytes that are a value's first or only ones. */
static void put(struct jsonw *w, const void *bytes, size_t length)
{
    uint8_t *at = buffer_reserve(w->out, LONGEST_MARK + length);
    if (!at)
        return;
    at = set_apart(w, at);
    memcpy(at, bytes, length);
    end_at(w, at + length);
    w->follows = true;
}

static void open_bracket(struct jsonw *w, char bracket)
{
    uint8_t *at = buffer_reserve(w->out, LONGEST_MARK + 1);
    if (!at)
        return;
    at = set_apart(w, at);
    *at++ = (uint8_t)bracket;
    end_at(w, at);
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

/* A character of valid text as it is written. */
struct spelling {
    char text[SPELLING_BYTES - 1];
    uint8_t length;
};

#define SHORT(c) {"\\" c, 2}
#define CODE(c) {"\\u00" c, 6}
#define SELF(c) {{(char)(c)}, 1}
#define SELF_4(c) SELF(c), SELF((c) + 1), SELF((c) + 2), SELF((c) + 3)
#define SELF_16(c) SELF_4(c), SELF_4((c) + 4), SELF_4((c) + 8), SELF_4((c) + 12)
#define SELF_64(c) SELF_16(c), SELF_16((c) + 16), SELF_16((c) + 32), SELF_16((c) + 48)

static const struct spelling SPELLINGS[256] = {
    CODE("00"), CODE("01"), CODE("02"), CODE("03"), CODE("04"), CODE("05"), CODE("06"), CODE("07"),
    SHORT("b"), SHORT("t"), SHORT("n"), CODE("0b"), SHORT("f"), SHORT("r"), CODE("0e"), CODE("0f"),
    CODE("10"), CODE("11"), CODE("12"), CODE("13"), CODE("14"), CODE("15"), CODE("16"), CODE("17"),
    CODE("18"), CODE("19"), CODE("1a"), CODE("1b"), CODE("1c"), CODE("1d"), CODE("1e"), CODE("1f"),
    SELF(' '), SELF('!'), SHORT("\""), SELF('#'), SELF_4('$'), SELF_4('('), SELF_4(','),
    SELF_16('0'), SELF_16('@'), SELF_4('P'), SELF_4('T'), SELF_4('X'), SHORT("\\"), SELF(']'),
    SELF('^'), SELF('_'), SELF_16('`'), SELF_16('p'), SELF_64(0x80), SELF_64(0xc0),
};

/* Are eight bytes written as they are? Each that is not would have its highest bit set here. */
static bool is_plain(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
    uint64_t control = (word - ones * ' ') & ~word;
    return !((control | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & high);
}

static uint8_t *spell(uint8_t *out, uint8_t c)
{
    memcpy(out, &SPELLINGS[c], SPELLING_BYTES);
    return out + SPELLINGS[c].length;
}

/* Bodies that are no text at all have a control in every fourth byte, where no branch could
 * foresee it: hence by a table, a character as quick as another. */
static uint8_t *put_valid(uint8_t *out, const uint8_t *text, size_t length)
{
    const uint8_t *end = text + length;
    while ((size_t)(end - text) >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text, sizeof word);
        memcpy(out, &word, sizeof word);
        if (is_plain(word)) {
            out += sizeof word;
            text += sizeof word;
            continue;
        }
        for (const uint8_t *stop = text + sizeof word; text < stop; text++)
            out = spell(out, *text);
    }
    while (text < end)
        out = spell(out, *text++);
    return out;
}

/* Copies the ASCII that the text begins with and that is written as it is, by whole words but at
 * its end; returns how much that is. Up to a word behind it is written over. Most text is all of
 * that kind. */
static size_t put_plain(uint8_t *out, const uint8_t *text, size_t length)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    size_t at = 0;
    for (uint64_t word; length - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text + at, sizeof word);
        memcpy(out + at, &word, sizeof word);
        if (word & high || !is_plain(word))
            return at;
    }
    for (; at < length && text[at] < 0x80 && SPELLINGS[text[at]].length == 1; at++)
        out[at] = text[at];
    return at;
}

/* Writes what is valid of a piece, from its first byte on, and steps over that; returns where it
 * ends. */
static uint8_t *put_piece(uint8_t *out, const uint8_t **from, size_t length)
{
    size_t plain = put_plain(out, *from, length);
    *from += plain;
    out += plain;
    if (plain == length)
        return out;
    size_t valid = text_valid(*from, length - plain);
    out = put_valid(out, *from, valid);
    *from += valid;
    return out;
}

/* There must be room for the worst, hence the pieces. A byte that belongs to no sequence is passed
 * over. */
void jsonw_text(struct jsonw *w, const void *text, size_t length)
{
    const uint8_t *from = length ? text : (const uint8_t *)"", *end = from + length;
    bool begun = false;
    do {
        size_t piece = end - from < PIECE ? (size_t)(end - from) : PIECE;
        uint8_t *at = buffer_reserve(w->out, ROOM_AROUND + LONGEST_ESCAPE * piece);
        if (!at)
            return;
        if (!begun) {
            at = set_apart(w, at);
            *at++ = '"';
        }
        begun = true;
        at = put_piece(at, &from, piece);
        if (from < end && !text_sequence(from, (size_t)(end - from)))
            from++;
        if (from == end)
            *at++ = '"';
        end_at(w, at);
    } while (from < end);
    w->follows = true;
}

void jsonw_plain(struct jsonw *w, const char *text, size_t length)
{
    uint8_t *at = buffer_reserve(w->out, LONGEST_MARK + length + 2);
    if (!at)
        return;
    at = set_apart(w, at);
    *at++ = '"';
    memcpy(at, text, length);
    at[length] = '"';
    end_at(w, at + length + 1);
    w->follows = true;
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
    uint8_t *at = buffer_reserve(w->out, LONGEST_MARK + length + sizeof "\"\": ");
    if (!at)
        return;
    at = set_apart(w, at);
    *at++ = '"';
    memcpy(at, name, length);
    memcpy(at + length, "\": ", 3);
    end_at(w, at + length + 3);
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
