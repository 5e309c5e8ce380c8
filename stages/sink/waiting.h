/*
 * HTTP records that wait in memory for their flows' closes, which mostly follow soon.
 */
#ifndef TAPLINE_SINK_WAITING_H
#define TAPLINE_SINK_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/unpack.h"

struct waiting;

/** Room for about so many bytes of records. NULL: no memory. */
struct waiting *waiting_new(size_t memory);

/** Frees it; accepts NULL. */
void waiting_free(struct waiting **waiting);

/** Keeps a copy of a flow's record. 0; ERR_LIMIT: there is no room for it; or -ENOMEM. */
int waiting_add(struct waiting *w, uint64_t flow, uint64_t packet, uint32_t order,
                struct slice bytes);

/** How many records of the flow wait. */
uint64_t waiting_count(const struct waiting *w, uint64_t flow);

/** Takes one record; anything but 0 ends the walk. */
typedef int waiting_fn(void *context, uint64_t flow, uint64_t packet, uint32_t order,
                       struct slice bytes);

/** Lets a flow's records go, in the order in which they came, by way of `each`. 0 or what `each`
 *  ended with; they are gone in either case. */
int waiting_release(struct waiting *w, uint64_t flow, waiting_fn *each, void *context);

/** The same for the records of all flows. */
int waiting_release_all(struct waiting *w, waiting_fn *each, void *context);

#endif
