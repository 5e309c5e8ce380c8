/*
 * HTTP/1.x start lines (RFC 9112, sections 3 and 4).
 */
#ifndef TAPLINE_COMMON_START_LINE_H
#define TAPLINE_COMMON_START_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "common/recognise/verdict.h"

enum start_line_kind { START_LINE_REQUEST, START_LINE_STATUS };

/** Zeroed before a line is looked at for the first time. */
struct start_line {
    enum start_line_kind kind; /* with VERDICT_YES */
    size_t passed;             /* bytes that need not be looked at again when more have come */
};

/**
 * Do these bytes begin with the start line of a request or an answer? A line of more than
 * `longest` bytes is none. VERDICT_MORE asks for the bytes that follow (of which there may be
 * none: then it is no start line), behind the same ones and with the same `line`, so that a line
 * that comes byte by byte costs no more than any other.
 */
enum verdict start_line_recognise(const uint8_t *bytes, size_t length, size_t longest,
                                  struct start_line *line);

#endif
