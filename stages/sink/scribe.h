/*
 * Prints and writes records while others come in: by a thread of its own, since a part takes as
 * long as it takes a processor to print it, and for that time nobody would take in what the other
 * stages send. At the end nothing else is left to do, and every processor prints.
 *
 * Records are dealt to sheets of one file. Those are printed by whoever is free, and their lines
 * written in the order in which they were dealt.
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

/** Copies what the records give until their ERR_EOF, to be written in the background; the caller
 *  helps only while too much is under way for all of it to be kept, or where no thread can be had.
 *  The files are the scribe's until its outcome says otherwise. 0; what records_next returns; the
 *  scribe's outcome, where that is an error; -ENOMEM. */
int scribe_take(struct scribe *scribe, struct records *records);

/** 0: all that it took is written, and the files are the caller's; ERR_AGAIN: it is under way; what
 *  printer_line returned, or a negated errno where writing failed: nothing is written any more. */
int scribe_outcome(const struct scribe *scribe);

/** Takes the last records, and helps until all is written; records that fill no sheet start no
 *  thread. Returns as scribe_take does; after an error others may still write: the scribe goes
 *  before its files. */
int scribe_finish(struct scribe *scribe, struct records *records);

/** How many lines it took so far. */
uint64_t scribe_lines(const struct scribe *scribe);

#endif
