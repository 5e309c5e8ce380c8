/*
 * The stock of a capture's reader (stock.h), as a worker on the same machine reads it.
 */
#ifndef TAPLINE_COMMON_SHARING_H
#define TAPLINE_COMMON_SHARING_H

#include <stdint.h>

#include "common/wire/original.h"
#include "common/wire/unpack.h"

struct sharing;

/** Opens the stock that a capture document offers to a process of that realm. NULL with *error 0:
 *  there is none, or it is for others; NULL with *error set: ERR_MALFORMED, ERR_LOST where its
 *  reader is gone, or a negated errno where it cannot be opened. */
struct sharing *sharing_new(struct slice offer, uint64_t realm, int *error);

/** The stock as places lead to it. */
const struct original *sharing_original(const struct sharing *sharing);

/** Nothing may be read there any more. Accepts NULL in the caller's pointer, and sets it to NULL.
 */
void sharing_free(struct sharing **sharing);

#endif
