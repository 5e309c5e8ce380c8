#include "common/base/buffer.h"

#include <errno.h>
#include <stdlib.h>

/* Bytes of that size with what the buffer holds; NULL: no memory, and all is as it was. */
static uint8_t *moved(struct buffer *b, size_t size)
{
    if (!b->lender)
        return realloc(b->bytes, size);
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return NULL;
    memcpy(bytes, b->bytes, b->length);
    b->lender->give_back(b->lender, b->bytes);
    b->lender = NULL;
    return bytes;
}

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
        uint8_t *bytes = moved(b, size);
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

int buffer_own(struct buffer *b)
{
    uint8_t *bytes = b->lender ? moved(b, b->size) : b->bytes;
    if (b->lender)
        return -ENOMEM;
    b->bytes = bytes;
    return 0;
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
    if (b->lender)
        b->lender->give_back(b->lender, b->bytes);
    else
        free(b->bytes);
    *b = (struct buffer){0};
}
