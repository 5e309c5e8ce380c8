/*
 * Writing JSON (RFC 8259) into a buffer as it comes, with the look of Python's json.dumps with
 * ensure_ascii=False: ", " and ": " between things, UTF-8 as it is, controls escaped.
 *
 * The caller opens and closes in order; nothing fails by itself, and a buffer that found no
 * memory says so at the end (buffer.h).
 */
#ifndef TAPLINE_COMMON_JSONW_H
#define TAPLINE_COMMON_JSONW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

struct jsonw {
    struct buffer *out;
    bool follows; /* what comes next follows something, and is set apart from it */
};

/** A writer that appends to `out`. */
static inline struct jsonw jsonw_to(struct buffer *out)
{
    return (struct jsonw){.out = out, .follows = false};
}

/** Begin and end what others stand in; to be nested as JSON is, which nobody checks. */
void jsonw_open_object(struct jsonw *w);
void jsonw_close_object(struct jsonw *w);
void jsonw_open_array(struct jsonw *w);
void jsonw_close_array(struct jsonw *w);

/** The name of an object's next value. */
void jsonw_name(struct jsonw *w, const void *name, size_t length);
/** The same for a name of ours, known to need no escaping. */
void jsonw_plain_name(struct jsonw *w, const char *name, size_t length);
/** The same for a string constant. */
void jsonw_key(struct jsonw *w, const char *name);

/** Text from anywhere: what is no UTF-8 is dropped, what JSON must escape is escaped. */
void jsonw_text(struct jsonw *w, const void *text, size_t length);
/** Text of ours, known to need no escaping. */
void jsonw_plain(struct jsonw *w, const char *text, size_t length);
void jsonw_uint(struct jsonw *w, uint64_t value);
void jsonw_int(struct jsonw *w, int64_t value);
/** As Python's repr: the fewest digits that read back as the same number, ".0" for a whole one.
 *  What is no number in JSON (infinite, not a number) is null. */
void jsonw_double(struct jsonw *w, double value);
void jsonw_bool(struct jsonw *w, bool value);
void jsonw_null(struct jsonw *w);
/** One whole value that is JSON already. */
void jsonw_raw(struct jsonw *w, const void *json, size_t length);

#endif
