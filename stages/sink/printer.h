/*
 * Stored records as the lines that they become.
 */
#ifndef TAPLINE_SINK_PRINTER_H
#define TAPLINE_SINK_PRINTER_H

#include "common/base/buffer.h"
#include "common/wire/unpack.h"
#include "stages/sink/entry.h"

struct printer;

/** A printer of times in that zone (stamp.h). NULL: no memory, or the zone cannot be one. */
struct printer *printer_new(struct slice zone);

/** NULLs the caller's pointer, and accepts NULL in it. */
void printer_free(struct printer **printer);

/** Appends the line of what records_next gave, with its end. 0; ERR_TRUNCATED or ERR_MALFORMED: a
 *  value has no JSON form; -ENOMEM. */
int printer_line(struct printer *printer, const struct entry *record, struct buffer *to);

#endif
