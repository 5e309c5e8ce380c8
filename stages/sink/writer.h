/*
 * One file that is written from its start to its end; the disk has it when it is synced (syncer.h).
 */
#ifndef TAPLINE_SINK_WRITER_H
#define TAPLINE_SINK_WRITER_H

#include <stddef.h>

#include "common/base/buffer.h"

struct writer;

/** Makes a file that is not there yet. NULL with *error set to a negated errno. */
struct writer *writer_new(int directory, const char *name, int *error);

/** What is to be written next, to append to; borrowed. It grows for whatever comes at once. */
struct buffer *writer_text(struct writer *writer);

/** Something was appended: writes what is much already. 0 or a negated errno. */
int writer_go_on(struct writer *writer);

/** Writes what waits; 0 or a negated errno. */
int writer_finish(struct writer *writer);

/** Closes the file. What still waited is lost. */
void writer_free(struct writer **writer);

/** Makes and fills a whole file; 0 or a negated errno. */
int writer_file(int directory, const char *name, const void *bytes, size_t length);

#endif
