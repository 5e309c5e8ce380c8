#include "common/base/buffer.h"

#include <errno.h>
#include <stdlib.h>

uint8_t *buffer_grow(struct buffer *b, size_t more)
{
    if (b->failed || more > SIZE_MAX / 2 - b->length) {
        b->failed = true;
        return NULL;
    }
    if (b->length + more > b->size) {
        size_t size = b->size ? b->size : 64;
        while (size < b->length + more)
            size *= 2;
        uint8_t *bytes = realloc(b->bytes, size);
        if (!bytes) {
            b->failed = true;
            return NULL;
        }
        b->bytes = bytes;
        b->size = size;
    }
    return b->bytes + b->length;
}

int buffer_grow_append(struct buffer *b, const void *bytes, size_t length)
{
    if (length == 0) /* an empty buffer has no room to show for it */
        return b->failed ? -ENOMEM : 0;
    uint8_t *room = buffer_reserve(b, length);
    if (!room)
        return -ENOMEM;
    memcpy(room, bytes, length);
    b->length += length;
    return 0;
}

void buffer_clear(struct buffer *b)
{
    b->length = 0;
    b->failed = false;
}

void buffer_consume(struct buffer *b, size_t length)
{
    if (length > b->length)
        length = b->length;
    if (length)
        memmove(b->bytes, b->bytes + length, b->length - length);
    b->length -= length;
}

void buffer_free(struct buffer *b)
{
    free(b->bytes);
    *b = (struct buffer){0};
}
