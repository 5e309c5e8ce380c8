/*
 * The most frequent of many texts, counted in bounded memory (Misra and Gries, 1982).
 *
 * Up to 1,024 different texts the counts are exact. With more, each count may be too low by at
 * most one 1,025th of all that was counted, and any text more frequent than that is there.
 */
#ifndef TAPLINE_SINK_TOP_H
#define TAPLINE_SINK_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOP_TEXT = 104, TOP_CAPACITY = 1024 };

struct top;

struct top_item {
    uint64_t hash; /* of the whole text: what tells it apart */
    uint64_t count;
    uint8_t length;
    char text[TOP_TEXT]; /* its beginning, where it is longer; no NUL */
};

/** NULL: no memory. */
struct top *top_new(void);

/** NULLs the caller's pointer, and accepts NULL in it. */
void top_free(struct top **top);

/** Counts a text (UTF-8) once more. */
void top_add(struct top *top, const void *text, size_t length);

/** How many different texts there were; at least so many, where that is not `*exact`. */
uint64_t top_distinct(const struct top *top, bool *exact);

/** The items, the most frequent first and equals by text. Borrowed until the next top_add. */
const struct top_item *top_items(struct top *top, size_t *count);

#endif
