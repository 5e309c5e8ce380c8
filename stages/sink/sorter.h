/*
 * An external merge sort: as many entries as the disk takes, in bounded memory, stable.
 *
 * Entries gather in an arena. A full one is sorted and written as a run; 64 runs of one size are
 * merged into one of the next, so that 64 times the data costs one more pass, and the last merge
 * hands the entries out as they are asked for (Knuth, The Art of Computer Programming, 5.4).
 *
 * As long as all are in the arena, a part of them may be handed out before others are added, and
 * gives its memory to these.
 */
#ifndef TAPLINE_SINK_SORTER_H
#define TAPLINE_SINK_SORTER_H

#include <stdbool.h>
#include <stddef.h>

#include "stages/sink/entry.h"

struct sorter;

/** A sorter that takes about `memory` bytes, and spills into nameless files of that directory (its
 *  descriptor is borrowed). NULL: no memory. */
struct sorter *sorter_new(size_t memory, int directory);

/** Closes its files, which have no names. NULLs the caller's pointer, and accepts NULL in it. */
void sorter_free(struct sorter **sorter);

/** Adds a copy of an entry, of any length. Not after the first sorter_next, but for that of a part.
 *  0, a negated errno, or ERR_LIMIT: more runs than four levels of merging can hold. */
int sorter_add(struct sorter *sorter, const struct entry *entry);

/** Whether an entry whose key begins so (entry_prefix) belongs to a part. */
typedef bool sorter_belongs(const void *context, uint64_t prefix);

/** sorter_next gives only those entries that belong to this part, until its ERR_EOF: then they are
 *  gone, and others may be added. Not where something went to disk. */
void sorter_begin_part(struct sorter *sorter, sorter_belongs *belongs, const void *context);

/** The next entry in order, borrowed until the next call. 0, ERR_EOF, or as sorter_add. */
int sorter_next(struct sorter *sorter, struct entry *entry);

/** How many bytes of entries are in memory. */
size_t sorter_held(const struct sorter *sorter);

/** How many bytes went to disk. */
uint64_t sorter_spilled(const struct sorter *sorter);

#endif
