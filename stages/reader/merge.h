/*
 * Several sources as one capture: their frames by time, ties in the order of the command line.
 * Each source keeps its own order, also where its times run backwards: what is compared is always
 * the next frame of each.
 *
 * A rotated capture has thousands of files, of which one or two overlap. So only the first few are
 * kept open; of the others the first frame's time is learned, and each is closed until the merge
 * has come to that time (what cannot be opened twice, such as a pipe, stays open).
 */
#ifndef TAPLINE_READER_MERGE_H
#define TAPLINE_READER_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/wire/frame.h"
#include "stages/reader/spool.h"
#include "stages/reader/window.h"

enum { MERGE_KEPT_OPEN = 32, MERGE_SHARING = 16 };

struct merge;

/** Opens all sources (paths, and the spools for what cannot be opened twice, are borrowed for the
 *  merge's life; "-": standard input) and looks at their first frames. `memory` is for what is read
 *  of them, where there are no more of them than MERGE_SHARING (window.h; NULL: their own). Raises
 *  the process's soft limit of open files to the hard one where there are many. NULL, with the fault and *error set, where one cannot be opened: see source_open(). */
struct merge *merge_open(const char *const *paths, size_t count, struct spools *spools,
                         const struct window_memory *memory, char *fault, size_t fault_size,
                         int *error);

/** Closes everything; takes NULL, and sets the caller's pointer to it. */
void merge_free(struct merge **merge);

/** The next frame, numbered from 1 over all sources; it is the merge's own, and stays with its
 *  bytes until the next call. 0;
 *  ERR_EOF after the last one; ERR_TRUNCATED after the last one where sources broke off on the
 *  way (the others went on, see merge_cut()); ERR_AGAIN: it has not come yet (the first frame of
 *  each source is waited for in merge_open); ERR_STOPPED, -ENOMEM, ERR_LIMIT. */
int merge_next(struct merge *merge, struct frame **frame);

/** What to wait on after ERR_AGAIN. */
int merge_descriptor(const struct merge *merge);

/** How many frames were given. */
uint64_t merge_frames(const struct merge *merge);

/** Where the first source that broke off did so ("FILE: ..."), or NULL: none has. `cuts`: how many
 *  have. */
const char *merge_cut(const struct merge *merge, uint64_t *cuts);

/** How much of the files, as they lie there, was read, and how large they are together (0: one of
 *  them does not tell). */
void merge_position(const struct merge *merge, uint64_t *done, uint64_t *size);

#endif
