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
#include "stages/sink/leftovers.h"

struct publication;

/** Checks OUT (see destination.h: `root` may be NULL), makes the hidden directory and removes
 *  `leftovers`. NULL with the fault set: ERR_USAGE (OUT holds something else than earlier results,
 *  ...) or ERR_OUTPUT. */
struct publication *publication_new(const char *root, struct slice out,
                                    struct leftovers *leftovers, struct fault *fault);

/** Where the results are to be written: an open directory, the publication's own; and the open one
 *  that it and OUT lie in. */
int publication_directory(const struct publication *publication);
int publication_parent(const struct publication *publication);

/** OUT as it was asked for. */
const char *publication_shown(const struct publication *publication);

/** Everything is written: gives the hidden directory OUT's access rights. To be synced after
 *  that, with everything in it. */
void publication_seal(struct publication *publication);

/** Puts the hidden directory in OUT's place; the parent is to be synced after that. 0, or ERR_USAGE
 *  or ERR_OUTPUT with the fault set. */
int publication_place(struct publication *publication, struct fault *fault);

/** That place is certain: removes the earlier results. */
void publication_finish(struct publication *publication);

/** Removes the hidden directory where it was not put in OUT's place. */
void publication_free(struct publication **publication);

/**
 * For a file system that cannot exchange two names: moves `old` out of the way to `aside` and `new`
 * in its place; a second move that fails is taken back. 0 or a negated errno.
 */
int publication_replace(int parent, const char *new, const char *old, const char *aside);

#endif
