/*
 * A UDP conversation as the classifier sees it: every datagram is decided by itself.
 *
 * The extractor gets what QUIC it is for, and of DNS the messages that answer: nothing else there
 * makes a record. Of a conversation that is more than DNS it gets those among the datagrams that
 * signatures look at, too; of one that has been nothing else, every one, as long as that is so.
 */
#ifndef TAPLINE_CLASSIFIER_DATAGRAMS_H
#define TAPLINE_CLASSIFIER_DATAGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/event.h"
#include "stages/classifier/findings.h"
#include "stages/classifier/ground.h"

struct datagrams {
    struct findings *findings;
    uint32_t hint;
    bool dns_port; /* a port says DNS */
    bool dns;      /* the last datagram was DNS, */
    bool all_dns;  /* and so were all before it */
    bool declined[DIRECTIONS]; /* before anything was recognised */
    uint64_t open[DIRECTIONS]; /* signatures that may find something new there: a bit for each */
};

/** No datagram has come yet. `findings` knows the flow; it is borrowed and outlives it. It owns
 *  nothing. */
void datagrams_begin(struct datagrams *d, struct findings *findings);

/** Looks at the next datagram. 0 or -ENOMEM. */
int datagrams_data(struct datagrams *d, place at, const struct event_data *data);

/** TAPLINE_HINT_DNS or TAPLINE_HINT_QUIC once recognised; 0: nothing for the extractor so far. */
uint32_t datagrams_hint(const struct datagrams *d);

/** Is the extractor told of the datagram of that index in its direction, if it is of use there? Not
 *  where the direction had been declined before anything was recognised: even if it comes. */
bool datagrams_served(const struct datagrams *d, int direction, uint64_t index);

/** Does this datagram, which has been looked at, go to the extractor? */
bool datagrams_passes(const struct datagrams *d, const struct event_data *data);

/** Was it DNS from end to end? `received`: datagrams that came, `packets`: of the whole flow. */
bool datagrams_dns_only(const struct datagrams *d, uint64_t received, uint64_t packets);

/** What the classifier itself wants of a direction, the next datagram of which has this index. */
enum tapline_want datagrams_want(const struct datagrams *d, uint64_t next);

#endif
