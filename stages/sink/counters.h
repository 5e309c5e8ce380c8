/*
 * Named counters that the stages tallied: what their limits cost, and what else they count.
 */
#ifndef TAPLINE_SINK_COUNTERS_H
#define TAPLINE_SINK_COUNTERS_H

#include <stdint.h>

#include "common/base/jsonw.h"
#include "common/wire/unpack.h"

struct counters;

/** NULL: no memory. */
struct counters *counters_new(void);

/** NULLs the caller's pointer, and accepts NULL in it. */
void counters_free(struct counters **counters);

/** Adds a msgpack map of names and numbers; no bytes: nothing. 0, ERR_TRUNCATED or ERR_MALFORMED,
 *  ERR_LIMIT: more than 128 names, or one of more than 47 bytes. */
int counters_add(struct counters *counters, struct slice map);

/** The sum under this name; 0 where there is none. */
uint64_t counters_value(const struct counters *counters, const char *name);

/** Writes them as one object. */
void counters_write(const struct counters *counters, struct jsonw *w);

#endif
