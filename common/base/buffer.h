/*
 * Bytes that grow. An append that finds no memory makes the buffer failed for good and adds
 * nothing any more, so that a long chain of appends is checked once.
 */
#ifndef TAPLINE_COMMON_BUFFER_H
#define TAPLINE_COMMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Zeroed: an empty buffer that owns nothing. */
struct buffer {
    uint8_t *bytes;
    size_t length;
    size_t size;
    bool failed;
};

/** Makes room for `more` bytes behind the length; where they will stand, or NULL: no memory. */
uint8_t *buffer_reserve(struct buffer *b, size_t more);

/** Adds a copy of the bytes; 0 or -ENOMEM. */
int buffer_append(struct buffer *b, const void *bytes, size_t length);

/** Empties it and keeps the memory; a failed buffer may be used again. */
void buffer_clear(struct buffer *b);

/** Drops the first `length` bytes (all, where it holds fewer). */
void buffer_consume(struct buffer *b, size_t length);

/** Gives the memory back; the buffer is empty and may be used again. */
void buffer_free(struct buffer *b);

#endif
