/*
 * The sink's core: one attempt at one capture, from its first event to the results in their place.
 *
 * It takes CLOSE and RECORD events, the marks and the tallies, and when its ledger agrees it writes
 * the results beside OUT, asks the reader for its word (ASK), and publishes. Records that nothing
 * can come before any more it writes sooner, in the background, where the capture allows it: should
 * that prove wrong, the attempt has failed. Everything it has to say goes to the reader through the
 * outlet: ACCEPT [status, text] once at the start; then ASK []; and at last OUTCOME [status, text,
 * summary as JSON text], once. After its OUTCOME it takes no notice of anything any more.
 */
#ifndef TAPLINE_SINK_H
#define TAPLINE_SINK_H

#include <stddef.h>
#include <stdint.h>
#include <tapline/wire.h>

#include "common/base/opts.h"
#include "common/bus/outlet.h"
#include "common/wire/capture.h"
#include "common/wire/event.h"
#include "stages/sink/leftovers.h"
#include "stages/sink/syncer.h"
#include "stages/sink/tap.h"

struct sink;

struct sink_options {
    const char *root;     /* OUT lies below this directory; NULL: wherever it says */
    uint64_t sort_memory; /* bytes that sorting one capture may take, before it uses the disk */
    uint64_t print_from;  /* bytes of records that are held before the first are written */
    int64_t tap_wait_ns;  /* how long a capture's beginning waits for listeners that are missing */
};

/** What all captures of a process share; NULL: there is none. */
struct sink_shared {
    const struct tap *tap;       /* what listeners listen to; none: nobody can */
    struct syncer *syncer;       /* none: the sink waits for the disk */
    struct leftovers *leftovers; /* none: they are looked for at every beginning */
};

extern const struct sink_options SINK_OPTIONS_DEFAULT;

/** One option for each field. */
extern const struct opt SINK_OPTS[];
extern const size_t SINK_OPTS_COUNT;

/**
 * Begins an attempt: checks OUT, makes the hidden directory beside it, and answers ACCEPT; where
 * listeners of a capture's first attempt are missing, sink_turn does that when they are there.
 * The capture, the outlet and what `shared` names must outlive the sink. NULL with *error 0 where
 * the capture is refused, of which ACCEPT told the reader; NULL with *error set: no memory, or what
 * the outlet returned.
 */
struct sink *sink_new(const struct capture *capture, const struct outlet *outlet,
                      const struct sink_shared *shared, const struct sink_options *options,
                      int *error);

/** To be called again and again while the sink is there: looks whether listeners have come, whether
 *  what is written in the background could be, and whether the disk has what it was given. 0 or the
 *  outlet's error, or -ENOMEM. */
int sink_turn(struct sink *sink, int64_t now_ns);

/** Frees it; what was not published is removed. */
void sink_free(struct sink **sink);

/** Takes one event; of an OPEN listeners alone are told, other kinds are passed over. The last one
 *  that was missing writes the results before this returns; they are synced after that. 0;
 *  ERR_TRUNCATED, ERR_MALFORMED or ERR_LIMIT: the event is not as the contract says, and the
 *  attempt cannot be finished; or the outlet's error. */
int sink_event(struct sink *sink, uint32_t from, const struct event *event);

/** Takes a mark, from its tracker or a stage that it passed. Returns as above. */
int sink_mark(struct sink *sink, const struct mark *mark);

/**
 * A word counts for so long after it was asked for; the reader waits for longer than that (and
 * says how long itself) before it takes another attempt. A sink that slept in between asks again,
 * and hears that it was given up.
 */
#define SINK_WORD_NS (INT64_C(5) * 1000000000)

/** Takes a MARK, a TALLY or the reader's WORD; other messages are passed over. `now_ns` is
 *  monotonic. Returns as above. */
int sink_message(struct sink *sink, enum tapline_kind kind, struct unpack *body, int64_t now_ns);

#endif
