/*
 * Captures that cannot be opened twice, such as standard input and named pipes, and may all the
 * same have to be played again: what was read of them is kept in a temporary file, which has no
 * name and goes with this process. A file that standard input was redirected from is read again
 * instead.
 */
#ifndef TAPLINE_READER_SPOOL_H
#define TAPLINE_READER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** All of them that a reader has. */
struct spools;

/** One of them. */
struct spool;

/** None yet; `folder` is where the files go, borrowed; NULL: $TMPDIR, or /tmp. NULL: no memory. */
struct spools *spools_new(const char *folder);

/** The spool of a path ("-": standard input), opened at its first asking. NULL with *error 0 where
 *  the path is a regular file, which needs none; NULL with *error a negated errno. */
struct spool *spools_open(struct spools *spools, const char *path, int *error);

/** Where something could not be kept, so that the captures cannot be played again: why. Otherwise
 *  NULL. */
const char *spools_fault(const struct spools *spools);

/** Bytes from this offset on, between 1 and `size`: kept ones, or, at their end, new ones. 0 at the
 *  end; a negated errno (-EINTR where a signal interrupted the wait). */
ssize_t spool_read(struct spool *spool, uint64_t offset, void *into, size_t size);

/** What bytes from this offset on come from, which may have to be waited for; -1: they are here. */
int spool_descriptor(const struct spool *spool, uint64_t offset);

/** Bytes that there are of a redirected file; 0: nobody knows. */
uint64_t spool_size(const struct spool *spool);

/** And every spool, whose file is gone then. NULLs the caller's pointer, and accepts NULL in it. */
void spools_free(struct spools **spools);

#endif
