/*
 * Many runs read as one, in order. Of entries with the same key, that of the earlier run comes
 * first, so that a sort by runs is stable.
 */
#ifndef TAPLINE_SINK_MERGE_H
#define TAPLINE_SINK_MERGE_H

#include <stddef.h>

#include "stages/sink/spill.h"

struct merge;

/** Entries in order that are no run: `next` gives one, borrowed until the next call, or ERR_EOF. */
struct merge_source {
    int (*next)(void *context, struct entry *entry);
    void *context;
};

/** A merge of runs that share so much memory for their buffers, and of what `latest` gives, as if it
 *  were the last of them; NULL: nothing. NULL with *error set (a negated errno). The runs' spills
 *  and the source must outlive it. */
struct merge *merge_new(const struct run *runs, size_t count, const struct merge_source *latest,
                        size_t memory, int *error);

/** The runs stay. NULLs the caller's pointer, and accepts NULL in it. */
void merge_free(struct merge **merge);

/** The next entry, borrowed until the next call. 0, ERR_EOF, or a negated errno. */
int merge_next(struct merge *merge, struct entry *entry);

#endif
