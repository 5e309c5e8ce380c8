/*
 * Demands that gather for one worker before they leave in one message.
 */
#ifndef TAPLINE_COMMON_DEMANDS_H
#define TAPLINE_COMMON_DEMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/wire/event.h"

/** Zeroed: none. */
struct demands {
    struct buffer message;
    size_t place; /* of the count of its array */
    uint32_t count;
};

/** Adds one. True: they are so many that they should leave. */
bool demands_add(struct demands *demands, const struct demand *demand);

/** The message of all that gathered, whole (where there was memory for it); the next one begins a
 *  new message. NULL: there are none. */
struct buffer *demands_take(struct demands *demands);

/** Gives the memory back. */
void demands_free(struct demands *demands);

#endif
