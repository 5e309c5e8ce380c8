/*
 * Text that is not ASCII, a block at a time. It is mostly of bodies that are no text at all, whose
 * bytes follow no pattern that a branch could be predicted by: so every byte is looked at without
 * one, many at once. There is one way for any processor, and one for those with AVX2 and a quick
 * PEXT; text.h is what others use.
 */
#ifndef TAPLINE_COMMON_TEXT_BLOCKS_H
#define TAPLINE_COMMON_TEXT_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

struct text_blocks {
    /** How many of the bytes are surely valid, up to the beginning of a sequence: all of them, or
     *  fewer than there are. */
    size_t (*valid)(const uint8_t *bytes, size_t length);
    /** As text_clean. */
    size_t (*clean)(char *out, const uint8_t *bytes, size_t length);
};

extern const struct text_blocks TEXT_BLOCKS_ANY;

/** NULL: this processor is none for it. */
const struct text_blocks *text_blocks_avx2(void);

#endif
