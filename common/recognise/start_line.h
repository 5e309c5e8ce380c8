/*
 * HTTP/1.x start lines (RFC 9112, sections 3 and 4).
 */
#ifndef TAPLINE_COMMON_START_LINE_H
#define TAPLINE_COMMON_START_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "common/recognise/verdict.h"

enum start_line_kind { START_LINE_REQUEST, START_LINE_STATUS };

/**
 * Do these bytes begin with the start line of a request or an answer? A line of more than
 * `longest` bytes is none. VERDICT_MORE asks for the bytes that follow (of which there may be
 * none: then it is no start line). With VERDICT_YES *kind says which.
 */
enum verdict start_line_recognise(const uint8_t *bytes, size_t length, size_t longest,
                                  enum start_line_kind *kind);

#endif
