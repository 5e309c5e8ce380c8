/*
 * The file that a capture is read from, read by every worker of the reader's machine itself: the
 * reader says in the capture document where it has it open, the others open it by way of
 * /proc/PROCESS/fd, as they do with memory that is lent (lending.h).
 */
#ifndef TAPLINE_COMMON_SHARING_H
#define TAPLINE_COMMON_SHARING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/mapping.h"
#include "common/wire/original.h"
#include "common/wire/unpack.h"

/** Appends where this process, of that realm (lending_realm), has the file open; nil where
 *  `mapping` is NULL. */
void sharing_offer(struct buffer *to, uint64_t realm, const struct mapping *mapping);

struct sharing;

/** The reader's own: of a mapping that stays the caller's, and outlives it. NULL: no memory. */
struct sharing *sharing_new(const struct mapping *mapping);

/** Maps the file that an offer tells of. NULL with *error 0: there is none, or it is for another
 *  realm; NULL with *error set: ERR_MALFORMED, ERR_LOST where the file or its reader is gone, or a
 *  negated errno where it cannot be opened. */
struct sharing *sharing_accept(struct slice offer, uint64_t realm, int *error);

/** The file, for places to be found or read in; NULL where `sharing` is. */
struct original *sharing_original(struct sharing *sharing);

/** What was read of the file is not needed any more (mapping_release); a reader releases its
 * mapping itself. Takes NULL. */
void sharing_pass(struct sharing *sharing);

/** Were there zeros in the file's stead (mapping_broken)? NULL: no. */
bool sharing_broken(const struct sharing *sharing);

/** Accepts NULL in the caller's pointer, and sets it to NULL. */
void sharing_free(struct sharing **sharing);

#endif
