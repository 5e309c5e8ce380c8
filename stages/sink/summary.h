/*
 * What a person wants to know of a capture at a glance: the end of an attempt carries it back to
 * the command that asked, and `logs` tells it.
 *
 * Lists hold the ten most frequent. They, and the counts of different values, are exact up to
 * 1,024 different ones (top.h); beyond that a count of different ones says "at least".
 */
#ifndef TAPLINE_SINK_SUMMARY_H
#define TAPLINE_SINK_SUMMARY_H

#include "common/base/buffer.h"
#include "common/base/stamp.h"
#include "stages/sink/layout.h"
#include "stages/sink/ledger.h"
#include "stages/sink/row.h"

struct summary;

/** NULL: no memory. */
struct summary *summary_new(void);

/** NULLs the caller's pointer, and accepts NULL in it. */
void summary_free(struct summary **summary);

/** Enters a flow by its record; `printed`: it has one in the files (else it was DNS alone). 0 or
 *  ERR_MALFORMED: a value is not of its field's type. */
int summary_flow(struct summary *summary, const struct figures *figures, const struct row *row,
                 bool printed);

/** Enters one request with its answer. 0 or ERR_MALFORMED. */
int summary_http(struct summary *summary, const struct row *row);

/** Enters a name that a ClientHello asked for. 0 or ERR_MALFORMED. */
int summary_sni(struct summary *summary, const struct row *row);

/** Appends the summary as one msgpack map, in the order in which it is told:
 *  packets, filtered_out (packets that the filter left out; they count nowhere else), bytes
 *  (captured, of TCP and UDP frames), start, end (of the flows; null: none),
 *  tcp {complete, incomplete}, udp, protocols [[name, flows]], http {complete, incomplete, hosts},
 *  tls {names, certificates}, dns {responses}, platform {bit_peers, xunlei_ids, toutiao_values,
 *  stun_values, xycdn_keys: different ones}, degraded (flows that a lost worker left gaps in).
 *  hosts and names are [[text, count]]. `written`: records of each file. */
void summary_pack(struct summary *summary, const struct ledger *ledger,
                  const uint64_t written[RECORD_FILES], uint64_t certificates, struct stamp *stamp,
                  struct buffer *to);

#endif
