#include "common/recognise/start_line.h"

#include <llhttp.h>
#include <stdbool.h>
#include <string.h>

#define NAME(number, name, string) #string,
/* The methods that the parser behind takes: RFC 9110 and its registered extensions. */
static const char *const methods[] = {HTTP_METHOD_MAP(NAME)};
#undef NAME

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* A line that is read from left to right: `at` steps over what is as it must be. */
struct line {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *passed; /* the run that a call before this one ended in goes on up to here */
};

/* A run of bytes is about to be stepped over: an earlier call may have done part of it. */
static void resume(struct line *line)
{
    if (line->at < line->passed)
        line->at = line->passed;
}

/* Steps over `text`: NO at the first byte that differs, MORE where the bytes end within it. */
static enum verdict expect(struct line *line, const char *text)
{
    size_t left = (size_t)(line->end - line->at), length = strlen(text);
    if (memcmp(line->at, text, left < length ? left : length) != 0)
        return VERDICT_NO;
    line->at += left < length ? left : length;
    return left < length ? VERDICT_MORE : VERDICT_YES;
}

static enum verdict expect_digits(struct line *line, int count)
{
    for (; count > 0; count--, line->at++) {
        if (line->at == line->end)
            return VERDICT_MORE;
        if (!is_digit(*line->at))
            return VERDICT_NO;
    }
    return VERDICT_YES;
}

/* The end of the line: LF, or CR and LF (RFC 9112, section 2.2). */
static enum verdict expect_end(struct line *line)
{
    if (line->at < line->end && *line->at == '\r')
        line->at++;
    return expect(line, "\n");
}

static enum verdict version(struct line *line)
{
    enum verdict verdict = expect(line, "HTTP/1.");
    return verdict == VERDICT_YES ? expect_digits(line, 1) : verdict;
}

/* Does a method begin with that byte? Most payloads are known by it to be no request. */
static bool begins_method(uint8_t byte)
{
#define FIRST(number, name, string) | UINT32_C(1) << (#string[0] - 'A')
    const uint32_t letters = 0 HTTP_METHOD_MAP(FIRST);
#undef FIRST
    return byte >= 'A' && byte <= 'Z' && letters >> (byte - 'A') & 1;
}

static enum verdict method(struct line *line)
{
    enum verdict best = VERDICT_NO;
    if (line->at < line->end && !begins_method(*line->at))
        return VERDICT_NO;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct line tried = *line;
        if (line->at < line->end && *line->at != (uint8_t)methods[i][0])
            continue;
        enum verdict verdict = expect(&tried, methods[i]);
        if (verdict == VERDICT_YES)
            verdict = expect(&tried, " ");
        if (verdict == VERDICT_YES) {
            *line = tried;
            return VERDICT_YES;
        }
        if (verdict == VERDICT_MORE)
            best = VERDICT_MORE;
    }
    return best;
}

/* Neither a blank nor a control; bytes beyond ASCII are taken for visible. */
static bool is_visible(uint8_t byte)
{
    return byte > ' ' && byte != 0x7f;
}

/* Any form of target (RFC 9112, section 3.2): at least one byte, and no blank or control. */
static enum verdict target(struct line *line)
{
    const uint8_t *first = line->at;
    resume(line);
    const uint8_t *at = line->at, *end = line->end;
    while (at < end && is_visible(*at))
        at++;
    if (at == end) {
        line->passed = at;
        return VERDICT_MORE;
    }
    line->at = at + 1;
    return *at == ' ' && at > first ? VERDICT_YES : VERDICT_NO;
}

static enum verdict request_line(struct line *line)
{
    enum verdict verdict = method(line);
    if (verdict == VERDICT_YES)
        verdict = target(line);
    if (verdict == VERDICT_YES)
        verdict = version(line);
    return verdict == VERDICT_YES ? expect_end(line) : verdict;
}

/* The reason phrase may be missing, and in the field so may the blank before it. */
static enum verdict status_line(struct line *line)
{
    enum verdict verdict = version(line);
    if (verdict == VERDICT_YES)
        verdict = expect(line, " ");
    if (verdict == VERDICT_YES)
        verdict = expect_digits(line, 3);
    if (verdict != VERDICT_YES)
        return verdict;
    if (line->at < line->end && *line->at == ' ') {
        resume(line);
        while (line->at < line->end && (*line->at >= ' ' || *line->at == '\t') && *line->at != 0x7f)
            line->at++;
        if (line->at == line->end)
            line->passed = line->at;
    }
    return expect_end(line);
}

enum verdict start_line_recognise(const uint8_t *bytes, size_t length, size_t longest,
                                  struct start_line *line)
{
    static enum verdict (*const forms[])(struct line *) = {
        [START_LINE_REQUEST] = request_line, [START_LINE_STATUS] = status_line};
    const uint8_t *end = bytes + (length < longest ? length : longest);
    enum verdict verdict = VERDICT_NO;
    for (int kind = START_LINE_REQUEST; kind <= START_LINE_STATUS && verdict == VERDICT_NO;
         kind++) {
        struct line read = {bytes, end, bytes + line->passed};
        verdict = forms[kind](&read);
        line->kind = (enum start_line_kind)kind;
        line->passed = (size_t)(read.passed - bytes);
    }
    return verdict == VERDICT_MORE && length >= longest ? VERDICT_NO : verdict;
}
