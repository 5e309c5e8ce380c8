/*
 * Prints and writes records in the background, by a thread of its own, while others come in: a part
 * takes as long as it takes a processor to print it, and for that time nobody would take in what
 * the other stages send.
 */
#ifndef TAPLINE_SINK_SCRIBE_H
#define TAPLINE_SINK_SCRIBE_H

#include "common/wire/unpack.h"
#include "stages/sink/record_files.h"
#include "stages/sink/records.h"

struct scribe;

/** A scribe that writes into these files, with times in that zone; both are borrowed for its life.
 *  NULL: no memory. */
struct scribe *scribe_new(struct record_files *files, struct slice zone);

/** Ends its work, whatever is under way; what was not written yet is not written any more. NULLs
 *  the caller's pointer, and accepts NULL in it. */
void scribe_free(struct scribe **scribe);

/** Copies what the records give until their ERR_EOF; waits only while too much is under way for all
 *  of it to be kept. The files are the scribe's until its outcome says otherwise. 0; what
 *  records_next returns; the scribe's outcome, where that is an error; -ENOMEM, also where no
 *  thread can be had. */
int scribe_take(struct scribe *scribe, struct records *records);

/** 0: all that it took is written, and the files are the caller's; ERR_AGAIN: it is under way; what
 *  printer_line returned, or a negated errno where writing failed: nothing is written any more. */
int scribe_outcome(const struct scribe *scribe);

/** Waits until nothing is under way: the outcome. */
int scribe_wait(struct scribe *scribe);

#endif
