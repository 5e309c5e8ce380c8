/*
 * A UDP conversation as the classifier sees it: every datagram is decided by itself.
 *
 * The extractor gets what DNS or QUIC is for. Of a conversation that is more than DNS it gets the
 * datagrams that signatures look at, too; of one that has been nothing else, every one, as long
 * as that is so: its answers are records wherever they stand.
 */
#ifndef TAPLINE_CLASSIFIER_DATAGRAMS_H
#define TAPLINE_CLASSIFIER_DATAGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/capture.h"
#include "common/wire/event.h"
#include "stages/classifier/findings.h"
#include "stages/classifier/profile.h"

struct datagrams;

/** All are borrowed and outlive it. NULL: no memory. */
struct datagrams *datagrams_new(const struct profile *profile, const struct limits *limits,
                                const struct event_open *open, struct findings *findings);
void datagrams_free(struct datagrams **datagrams);

/** Looks at the next datagram. 0 or -ENOMEM. */
int datagrams_data(struct datagrams *d, place at, const struct event_data *data);

/** TAPLINE_HINT_DNS or TAPLINE_HINT_QUIC once recognised; 0: nothing for the extractor so far. */
uint32_t datagrams_hint(const struct datagrams *d);

/** Does the datagram of that index in its direction go to the extractor? Not where the direction
 *  had been declined before anything was recognised: even if it comes. */
bool datagrams_passes(const struct datagrams *d, int direction, uint64_t index);

/** What the classifier itself wants of a direction, the next datagram of which has this index. */
enum tapline_want datagrams_want(const struct datagrams *d, uint64_t next);

#endif
