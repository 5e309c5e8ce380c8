/*
 * Text that was taken from the wire: UTF-8 (RFC 3629), with what is no UTF-8 dropped.
 */
#ifndef TAPLINE_COMMON_TEXT_H
#define TAPLINE_COMMON_TEXT_H

#include <stddef.h>
#include <stdint.h>

/** The length of the valid sequence that `left` bytes (one at least) begin with; 0: none. */
size_t text_sequence(const uint8_t *bytes, size_t left);

/** How many of the bytes, from the first on, are valid UTF-8. */
size_t text_valid(const uint8_t *bytes, size_t length);

/** Copies the valid UTF-8 sequences of the bytes to `out`, which has room for `length` and lies
 *  elsewhere; returns how many bytes that made. Every byte that does not begin a valid sequence is
 *  dropped. */
size_t text_clean(char *out, const uint8_t *bytes, size_t length);

#endif
