/*
 * Records of the tap, and values in them, as JSON; times in one zone. Bytes and extensions, which
 * no record of this version holds, are null.
 */
#ifndef TAPLINE_COMMON_PRINT_H
#define TAPLINE_COMMON_PRINT_H

#include <tapline/consumer.h>

#include "common/base/buffer.h"
#include "common/base/jsonw.h"
#include "common/base/stamp.h"

/** Writes one value. */
void print_value(struct jsonw *w, struct tapline_value value, struct stamp *stamp);

/** Appends one line, with its end: the topic, and then the record's keys. 0 or -ENOMEM. */
int print_record(const struct tapline_record *record, struct stamp *stamp, struct buffer *to);

#endif
