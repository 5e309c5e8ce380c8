/*
 * Hidden directories that sinks left beside the results when they died. Whoever publishes into the
 * same directory on the same host removes them.
 */
#ifndef TAPLINE_SINK_LEFTOVERS_H
#define TAPLINE_SINK_LEFTOVERS_H

#include <limits.h>

/** Where they were looked for of late: reading a directory of ten thousand results for each one
 *  that is added to it would cost more than to make them. */
struct leftovers;

/** NULL: no memory. */
struct leftovers *leftovers_new(void);

/** Removes nothing from any disk. NULLs the caller's pointer, and accepts NULL in it. */
void leftovers_free(struct leftovers **leftovers);

/** How names of hidden directories begin here. The host is named, as a lock may not reach beyond
 *  it. */
void leftovers_prefix(char prefix[NAME_MAX + 1]);

/** A new name: the prefix and a random number. 0 or a negated errno. */
int leftovers_name(const char *prefix, char name[NAME_MAX + 1]);

/** Removes those in a directory (which is held against other sinks) that nobody lives in, unless
 *  that was done within the last minute. Without an object (NULL) it is done each time. */
void leftovers_remove(struct leftovers *leftovers, int directory, const char *prefix);

#endif
