/*
 * A record of the tap as a line of JSON: its topic, then its own keys, times in one zone.
 */
#ifndef TAPLINE_TAP_PRINT_H
#define TAPLINE_TAP_PRINT_H

#include <tapline/consumer.h>

#include "common/base/buffer.h"
#include "common/base/stamp.h"

/** Appends one line, with its end. 0 or -ENOMEM. Bytes and extensions, which no record of this
 *  version holds, are null. */
int print_record(const struct tapline_record *record, struct stamp *stamp, struct buffer *to);

#endif
