/*
 * The files of records of a results directory: lines go to their ends, all at once or a part at a
 * time.
 */
#ifndef TAPLINE_SINK_RECORD_FILES_H
#define TAPLINE_SINK_RECORD_FILES_H

#include <stdint.h>

#include "stages/sink/layout.h"

struct record_files;

/** Files in that directory, which is borrowed for its life. Each is made with its first line, or
 *  when all are finished. NULL: no memory. */
struct record_files *record_files_new(int directory);

/** Closes them. NULLs the caller's pointer, and accepts NULL in it. */
void record_files_free(struct record_files **files);

/** The text that a file's next lines are to be appended to, borrowed until record_files_go_on. NULL
 *  with *error set to a negated errno. */
struct buffer *record_files_text(struct record_files *files, enum record_file file, int *error);

/** So many lines were appended: writes what is much already. 0 or a negated errno. */
int record_files_go_on(struct record_files *files, enum record_file file, uint64_t lines);

/** Writes what waits; those without a line are there then, too. 0 or a negated errno. */
int record_files_finish(struct record_files *files);

/** How many lines each file has. */
const uint64_t *record_files_lines(const struct record_files *files);

#endif
