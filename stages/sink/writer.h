/*
 * One file that is written from its start to its end, and is on the disk when it is closed.
 */
#ifndef TAPLINE_SINK_WRITER_H
#define TAPLINE_SINK_WRITER_H

#include <stddef.h>

struct writer;

/** Makes a file that is not there yet. NULL with *error set to a negated errno. */
struct writer *writer_new(int directory, const char *name, int *error);

/** Adds bytes; 0 or a negated errno. */
int writer_put(struct writer *writer, const void *bytes, size_t length);

/** Writes what waits and waits until the disk has it; 0 or a negated errno. */
int writer_sync(struct writer *writer);

/** Closes the file. What was not synced may be lost. */
void writer_free(struct writer **writer);

/** Makes, fills and syncs a whole file; 0 or a negated errno. */
int writer_file(int directory, const char *name, const void *bytes, size_t length);

#endif
