/*
 * Bytes that grow. An append that finds no memory makes the buffer failed for good and adds
 * nothing any more, so that a long chain of appends is checked once. The memory may be borrowed:
 * a buffer that outgrows it moves to memory of its own.
 */
#ifndef TAPLINE_COMMON_BUFFER_H
#define TAPLINE_COMMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Who gets memory back that a buffer has borrowed. */
struct lender {
    void (*give_back)(struct lender *lender, uint8_t *bytes);
};

/** Zeroed: an empty buffer that owns nothing. */
struct buffer {
    uint8_t *bytes;
    size_t length;
    size_t size;
    bool failed;
    struct lender *lender; /* of the bytes; NULL: they are the C library's */
};

/** What buffer_reserve does where the room is not there yet. */
uint8_t *buffer_grow(struct buffer *b, size_t more);

/** What buffer_append does where the room is not there yet. */
int buffer_grow_append(struct buffer *b, const void *bytes, size_t length);

/** Is there room already? So it mostly is; hence these in place. */
static inline bool buffer_has_room(const struct buffer *b, size_t more)
{
    return !b->failed && b->size - b->length >= more;
}

/** Makes room for `more` bytes behind the length; where they will stand, or NULL: no memory. */
static inline uint8_t *buffer_reserve(struct buffer *b, size_t more)
{
    return buffer_has_room(b, more) && b->bytes ? b->bytes + b->length : buffer_grow(b, more);
}

/** Adds a copy of the bytes; 0 or -ENOMEM. */
static inline int buffer_append(struct buffer *b, const void *bytes, size_t length)
{
    if (length == 0 || !buffer_has_room(b, length))
        return buffer_grow_append(b, bytes, length);
    memcpy(b->bytes + b->length, bytes, length);
    b->length += length;
    return 0;
}

/** Empties it and keeps the memory; a failed buffer may be used again. */
void buffer_clear(struct buffer *b);

/** Moves borrowed memory's contents to memory of its own. 0 or -ENOMEM. */
int buffer_own(struct buffer *b);

/** Drops the first `length` bytes (all, where it holds fewer). */
void buffer_consume(struct buffer *b, size_t length);

/** Gives the memory back; the buffer is empty and may be used again. */
void buffer_free(struct buffer *b);

#endif
