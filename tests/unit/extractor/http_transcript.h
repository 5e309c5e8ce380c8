/*
 * What two sides of a connection say, line by line, to be played to an extractor in one way or
 * another: cut anywhere, or with the demand heard or not.
 */
#ifndef TAPLINE_TESTS_EXTRACTOR_HTTP_TRANSCRIPT_H
#define TAPLINE_TESTS_EXTRACTOR_HTTP_TRANSCRIPT_H

#include "tests/unit/extractor/rig.h"

/** What one side sends at a stretch: text, then so many bytes of a body, or a gap instead. */
struct http_line {
    int side;
    const char *text; /* NULL: a gap of `more` bytes */
    size_t length;    /* of the text; 0: up to its NUL */
    size_t more;
};

struct http_transcript {
    const char *name;
    uint32_t hints;
    const struct http_line *lines; /* the last one has neither text nor length */
    bool fin[DIRECTIONS];
};

static inline bool http_line_is_last(const struct http_line *line)
{
    return !line->text && !line->more;
}

/** The bytes of a line: malloc'ed. */
static inline uint8_t *http_line_bytes(const struct http_line *line, size_t *length)
{
    size_t text = line->length ? line->length : strlen(line->text);
    *length = text + line->more;
    uint8_t *bytes = malloc(*length + 1);
    memcpy(bytes, line->text, text);
    for (size_t i = 0; i < line->more; i++)
        bytes[text + i] = (uint8_t)('a' + i % 23);
    return bytes;
}

#endif
