/*
 * Sees to it that results outlive a loss of power, in threads of its own, so that the sink's loop
 * need not stand still for the disk. What gathers while a sync is under way is synced together by
 * the next one: many small captures cost one wait, and a lone one does not wait for others.
 */
#ifndef TAPLINE_SINK_SYNCER_H
#define TAPLINE_SINK_SYNCER_H

/** The threads; one object for all captures of a process. */
struct syncer;

/** One capture's results on their way to the disk. */
struct syncing;

/** Starts them. NULL, with *error set: -ENOMEM or another negated errno. */
struct syncer *syncer_new(int *error);

/** Readable when something has been synced, until syncer_heard(). */
int syncer_descriptor(const struct syncer *syncer);
void syncer_heard(struct syncer *syncer);

/** Ends them, after what is under way. Every syncing must have been freed before. */
void syncer_free(struct syncer **syncer);

/** For results that are to be written into an open directory, which lies in an open parent; to be
 *  made before they are, so that every failure to write them later is noticed. The descriptors are
 *  copied. Without a syncer (NULL) syncs are done by whoever begins them, who then waits. NULL,
 *  with *error set: a negated errno. */
struct syncing *syncing_new(struct syncer *syncer, int directory, int parent, int *error);

/** Begins to sync what is in the directory by now, two levels deep, so that less is left for
 *  syncing_results; nothing where that is under way already or has failed, or where there is no
 *  syncer. What fails here shows in the outcome, for good; what cannot be opened may come later. */
void syncing_ahead(struct syncing *syncing);

/** Begins to sync everything in the directory, two levels deep, as soon as what syncing_ahead began
 *  has ended; nothing where that failed. */
void syncing_results(struct syncing *syncing);

/** Begins to sync the parent's entries. What began before must have succeeded. */
void syncing_place(struct syncing *syncing);

/** How what began last has ended: 0; ERR_AGAIN: it has not; or the negated errno that it failed
 *  with. */
int syncing_outcome(const struct syncing *syncing);

/** Forgets it; what is under way goes on to its end. */
void syncing_free(struct syncing **syncing);

#endif
