/*
 * Writing the files of a results directory, the ledger last.
 */
#ifndef TAPLINE_SINK_RESULTS_H
#define TAPLINE_SINK_RESULTS_H

#include "common/base/buffer.h"
#include "common/base/stamp.h"
#include "common/wire/capture.h"
#include "stages/sink/certs.h"
#include "stages/sink/ledger.h"
#include "stages/sink/record_files.h"
#include "stages/sink/records.h"
#include "stages/sink/scribe.h"
#include "stages/sink/summary.h"

/** All that goes into the files, borrowed; a part of the records may stand there already. */
struct results {
    const struct capture *capture;
    int directory; /* the results' own */
    struct stamp *stamp;
    struct record_files *files;
    struct scribe *scribe; /* who writes the records there */
    struct records *records;
    struct certs *certs;
    const struct ledger *ledger;
    struct summary *summary;
};

/** Writes every file of a capture whose ledger agrees, and appends the summary's map to
 *  `summary`. 0; what records_next returns; a negated errno where writing failed. */
int results_write(const struct results *results, struct buffer *summary);

#endif
