/*
 * What a reader has read of its capture and others of this machine still read: memory in pieces,
 * which the reader fills, and which are free again when no message leads to them any more
 * (common/wire/original.h). The capture document tells the others where it is (sharing.h).
 *
 * It belongs to one attempt. What a worker that was lost used stays in use; the attempt is lost
 * with it.
 */
#ifndef TAPLINE_COMMON_STOCK_H
#define TAPLINE_COMMON_STOCK_H

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/wire/original.h"

struct stock;

/** All pieces are free. NULL, with *error set: the system gives no memory that others could open.
 */
struct stock *stock_new(int *error);

/** Appends what the capture document says of it, by a process of that realm (realm.h); nil where
 *  `stock` is NULL. */
void stock_offer(const struct stock *stock, uint64_t realm, struct buffer *to);

/** The stock as places lead to it. */
const struct original *stock_original(const struct stock *stock);

/** A free piece of ORIGINAL_PIECE bytes, in use from now on; NULL: there is none. */
uint8_t *stock_take(struct stock *stock);

/** The reader puts nothing more into it, and gives nothing more out of it. */
void stock_give(struct stock *stock, const uint8_t *piece);

/** Accepts NULL in the caller's pointer, and sets it to NULL. Others keep what they have of it. */
void stock_free(struct stock **stock);

#endif
