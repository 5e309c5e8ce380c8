/*
 * The capture document as the reader writes it: what the capture is made of, and what was asked.
 */
#ifndef TAPLINE_READER_DESCRIPTION_H
#define TAPLINE_READER_DESCRIPTION_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

/** The TZ value that stands for this process's local zone: $TZ, or the zone that /etc/localtime
 *  names, or "UTC". Static storage. */
const char *description_zone(void);

/** How large all sources are together, as they lie there; one that does not tell counts as
 *  DESCRIPTION_UNKNOWN bytes. */
uint64_t description_size(const char *const *paths, size_t count);

#define DESCRIPTION_UNKNOWN (UINT64_C(1) << 40)

/** Appends the msgpack array of {name, size, mtime_ns} of the files; size and time are nil where
 *  there are none (standard input). 0 or -ENOMEM. */
int description_sources(struct buffer *to, const char *const *paths, size_t count);

/** Reads a whole small file (at most 1 MiB). 0, ERR_LIMIT or a negated errno. */
int description_read(struct buffer *to, const char *path);

#endif
