/*
 * What there is to say of one run: at once, as lines on stderr, or kept, for whoever asked for it.
 */
#ifndef TAPLINE_READER_REMARKS_H
#define TAPLINE_READER_REMARKS_H

#include <stdbool.h>

#include "common/base/jsonw.h"
#include "common/base/log.h"

/** Of this run; zeroed: they go to stderr. */
struct remarks {
    bool kept;          /* instead */
    struct buffer text; /* the kept ones, each with a NUL at its end */
};

/** Says or keeps one remark, like printf: LOG_ERROR or LOG_WARNING, which it then begins with. */
void remark(struct remarks *remarks, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The kept ones as an array of texts. */
void remarks_write(const struct remarks *remarks, struct jsonw *to);

/** Forgets the kept ones. */
void remarks_free(struct remarks *remarks);

#endif
