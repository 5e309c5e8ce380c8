/*
 * The ledger of one attempt: what every stage received and handed on. The results are complete
 * when all its sums agree, and never otherwise:
 *
 *     packets that the reader read           = packets its filter left out, and sent to trackers
 *     packets the reader sent to a tracker   = packets that tracker received
 *     packets that the trackers counted      = packets of the capture
 *     flows that a tracker closed            = CLOSE events of its flows that came
 *     events of a flow that a stage sent on  = events of it that the next stage received
 *     records sent ahead of the closes       = RECORD events that came
 */
#ifndef TAPLINE_SINK_LEDGER_H
#define TAPLINE_SINK_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/jsonw.h"
#include "common/wire/event.h"
#include "common/wire/unpack.h"
#include "stages/sink/fault.h"

struct ledger;

/** A ledger for a capture that so many trackers share; NULL: no memory. */
struct ledger *ledger_new(uint32_t trackers);

/** NULLs the caller's pointer, and accepts NULL in it. */
void ledger_free(struct ledger **ledger);

/** Enters a flow's end. 0; ERR_LOST: it contradicts itself (see ledger_state). */
int ledger_close(struct ledger *ledger, uint64_t flow, const struct event_close *close);

/** Enters a record that came ahead. */
void ledger_record(struct ledger *ledger);

/** Enters the tally of the reader or of a tracker: one msgpack map. 0, ERR_TRUNCATED or
 *  ERR_MALFORMED; ERR_LOST: it contradicts an earlier one. */
int ledger_tally(struct ledger *ledger, struct unpack *map);

enum ledger_state {
    LEDGER_OPEN,   /* something is still under way */
    LEDGER_AGREES, /* everything is here */
    LEDGER_BROKEN, /* it never will be: the fault says which sum, and both its sides */
};

/** How the sums stand now; `fault` is written where they never will agree. */
enum ledger_state ledger_state(struct ledger *ledger, struct fault *fault);

/** Packets of the capture that the filter, if there was one, took, and how many it left out. */
uint64_t ledger_packets(const struct ledger *ledger);
uint64_t ledger_filtered_out(const struct ledger *ledger);

/** Where the capture broke off; NULL: it did not. Borrowed from the ledger. */
const char *ledger_cut(const struct ledger *ledger);

/** The trackers' sum under a key of file_data.json; 0 where there is none of that name. */
uint64_t ledger_total(const struct ledger *ledger, const char *key);

/** What the trackers counted under this name among what a limit cost; 0: nothing. */
uint64_t ledger_counter(const struct ledger *ledger, const char *name);

/** Appends file_data.json's object. */
void ledger_write_totals(const struct ledger *ledger, struct buffer *to);

/** Writes the names and values of ledger.json that it knows, into an open object. */
void ledger_write(const struct ledger *ledger, struct jsonw *w);

#endif
