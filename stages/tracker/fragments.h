/*
 * The bytes of one datagram that have come so far: a list of parts, which do not overlap. They
 * take the memory that was captured of them, wherever in the datagram they say that they belong.
 */
#ifndef TAPLINE_TRACKER_FRAGMENTS_H
#define TAPLINE_TRACKER_FRAGMENTS_H

#include <stdint.h>

#include "common/net/packet.h"

struct part;

/** Zeroed: nothing came. */
struct fragments {
    struct part *first, *last; /* by offset */
    uint32_t came;             /* bytes, those that the snap length took included */
};

/** Adds what did not come before of `body`, which stands at an offset. 0 or -ENOMEM. */
int fragments_add(struct fragments *fragments, uint32_t offset, const struct extent *body);

/** The whole of `length` bytes, all of which came, as memory of the caller's; of these, `captured`
 *  from the first on are there. NULL: no memory. */
uint8_t *fragments_join(const struct fragments *fragments, uint32_t length, uint32_t *captured);

/** Gives back what came. */
void fragments_free(struct fragments *fragments);

#endif
