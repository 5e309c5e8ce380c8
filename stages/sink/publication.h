/*
 * Results are made in a hidden directory beside OUT, and take OUT's place in one step when they
 * are whole: whoever looks sees what was there before, or all of the new, at every moment, and
 * also after a crash or a loss of power. What an attempt leaves that does not get so far is
 * removed, by itself or by the next one on this host that uses the same directory.
 */
#ifndef TAPLINE_SINK_PUBLICATION_H
#define TAPLINE_SINK_PUBLICATION_H

#include "common/wire/unpack.h"
#include "stages/sink/fault.h"

struct publication;

/** Checks OUT (see destination.h: `root` may be NULL) and makes the hidden directory. NULL with the
 *  fault set: ERR_USAGE (OUT holds something else than earlier results, ...) or ERR_OUTPUT. */
struct publication *publication_new(const char *root, struct slice out, struct fault *fault);

/** Where the results are to be written: an open directory, the publication's own. */
int publication_directory(const struct publication *publication);

/** OUT as it was asked for. */
const char *publication_shown(const struct publication *publication);

/** Puts the hidden directory, every file of which must be synced, in OUT's place. 0, or ERR_USAGE
 *  or ERR_OUTPUT with the fault set. */
int publication_publish(struct publication *publication, struct fault *fault);

/** Removes the hidden directory where it was not published. */
void publication_free(struct publication **publication);

/**
 * For a file system that cannot exchange two names: moves `old` out of the way to `aside` and `new`
 * in its place; a second move that fails is taken back. 0 or a negated errno.
 */
int publication_replace(int parent, const char *new, const char *old, const char *aside);

#endif
