/*
 * Any value of a record as JSON.
 */
#ifndef TAPLINE_SINK_VALUE_H
#define TAPLINE_SINK_VALUE_H

#include "common/base/jsonw.h"
#include "common/base/stamp.h"
#include "common/wire/unpack.h"

/** Writes a msgpack value, times as stamps (`stamp` may be NULL where there are none); bytes and
 *  extensions have no JSON form. 0, ERR_TRUNCATED or ERR_MALFORMED. */
int value_write(struct jsonw *w, struct unpack *from, struct stamp *stamp);

#endif
