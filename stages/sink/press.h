/*
 * The lines of all records, in order, made by several threads: printing takes longer than writing,
 * and nothing else is left to do when a capture has ended.
 *
 * Records are dealt to the printers in blocks of a file; the blocks come out in the order in which
 * they were dealt. Records that fill less than a block start no thread.
 */
#ifndef TAPLINE_SINK_PRESS_H
#define TAPLINE_SINK_PRESS_H

#include "stages/sink/layout.h"
#include "stages/sink/records.h"

struct press;

/** A press that prints what the records give until their ERR_EOF, borrowed for its life, with times
 *  in that zone. NULL: no memory. */
struct press *press_new(struct records *records, struct slice zone);

/** Frees it, whatever is under way. */
void press_free(struct press **press);

/** Some of a file's lines. */
struct block {
    enum record_file file;
    uint64_t lines;
    struct slice text;
};

/** The next block, borrowed until the next call. 0; ERR_EOF; or what records_next and printer_line
 *  return, or a negated errno. */
int press_next(struct press *press, struct block *block);

#endif
