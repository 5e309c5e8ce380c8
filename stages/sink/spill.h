/*
 * A file without a name that holds runs of entries, each in order, one behind the other; and
 * reading one of them back.
 */
#ifndef TAPLINE_SINK_SPILL_H
#define TAPLINE_SINK_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "stages/sink/entry.h"

struct spill;

/** Where one run stands. */
struct run {
    const struct spill *spill;
    uint64_t start;
    uint64_t end;
};

/** A file in the directory, of which no name is left: it goes when it is closed, however that
 *  comes about. NULL with *error set to a negated errno. */
struct spill *spill_new(int directory, int *error);

/** Closes its file, which is gone then. NULLs the caller's pointer, and accepts NULL in it. */
void spill_free(struct spill **spill);

/** Adds an entry to the run that is being written; 0 or a negated errno. */
int spill_put(struct spill *spill, const struct entry *entry);

/** Ends the run, and says where it stands; 0 or a negated errno. */
int spill_end_run(struct spill *spill, struct run *run);

/** Gives up all its runs and the room they took; 0 or a negated errno. */
int spill_empty(struct spill *spill);

struct run_reader;

/** A reader with a buffer of so many bytes (it grows for a longer entry); NULL: no memory. The
 *  run's spill must outlive it. */
struct run_reader *run_reader_new(const struct run *run, size_t buffer);

/** The spill stays. NULLs the caller's pointer, and accepts NULL in it. */
void run_reader_free(struct run_reader **reader);

/** The next entry, borrowed until the next call. 0, ERR_EOF, or a negated errno. */
int run_reader_next(struct run_reader *reader, struct entry *entry);

#endif
