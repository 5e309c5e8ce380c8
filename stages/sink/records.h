/*
 * From what the stages say to records in the order of the files: sorted by file, first time field,
 * ip_port, packet and place in the packet.
 *
 * What is sorted is what of a record differs from others of its kind, a tenth of its line; the
 * lines are made (printer.h) when the records are handed out.
 *
 * An HTTP record lacks what is known only when its connection has ended, and waits for that. Where
 * too many wait, it is laid by, sorted by flow, the figures of every flow that sent records ahead
 * beside it; at the end the two are read together. Both sorts are external (sorter.h), so that a
 * capture's size is no matter.
 *
 * What no record that is still to come can precede may be taken as a part before that.
 */
#ifndef TAPLINE_SINK_RECORDS_H
#define TAPLINE_SINK_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/event.h"
#include "stages/sink/broadcast.h"
#include "stages/sink/certs.h"
#include "stages/sink/entry.h"
#include "stages/sink/horizon.h"
#include "stages/sink/summary.h"

struct records;

/** What records are made with, all borrowed for its life. */
struct records_tools {
    struct summary *summary;
    struct certs *certs;
    struct broadcast *broadcast; /* NULL: nobody listens */
    int directory; /* where to spill */
    size_t memory; /* for the sorts, and for what waits, together */
    size_t part;   /* bytes that are stored before a part is worth its while */
};

/** NULL: no memory. */
struct records *records_new(const struct records_tools *tools);

/** And all records that were not taken. NULLs the caller's pointer, and accepts NULL in it. */
void records_free(struct records **records);

/** A flow's end, which comes behind all its records: its own record, where it has one. 0;
 *  ERR_TRUNCATED, ERR_MALFORMED or ERR_LIMIT: the event is not as the contract says; ERR_LATE: a
 *  record belongs into a part that was taken; a negated errno: the disk, or no memory. */
int records_close(struct records *records, uint64_t flow, const struct event_close *close);

/** A record that came ahead of its flow's close. Errors as above. */
int records_add(struct records *records, uint64_t flow, const struct event_record *record);

/** Whether it is time for a part of what is earlier than that: much is stored, and this is later
 *  than it was for the last part. */
bool records_part_due(const struct records *records, struct horizon_times until);

/** records_next gives a part, until its ERR_EOF, behind which more may be added: what is earlier
 *  than that, which nothing may be that still comes. Xycdn's keys are counted at the end alone, and
 *  of HTTP files nothing goes early any more once something was laid by. */
void records_begin_part(struct records *records, struct horizon_times until);

/** The next record of all files, one file behind the other, for printer_line; borrowed until the
 *  next call. After the first call nothing is added any more, but for that of a part. 0; ERR_EOF;
 *  ERR_LOST: a record came of a flow that did not announce one, or behind its close; and errors as
 *  above. */
int records_next(struct records *records, struct entry *record);

/** How many bytes went to disk on the way. */
uint64_t records_spilled(const struct records *records);

#endif
