/*
 * IP datagrams put together from their fragments (RFC 791, RFC 815, RFC 8200).
 *
 * Where fragments overlap, the first copy of a byte stays, for IPv6 too, although a receiver drops
 * such a datagram (RFC 5722): a capture may hold a frame twice that its receiver saw once.
 *
 * A datagram that is not whole 30 s after its first fragment, by the capture's clock or by its
 * fragments' own times, is dropped: a later fragment begins another.
 */
#ifndef TAPLINE_TRACKER_DEFRAG_H
#define TAPLINE_TRACKER_DEFRAG_H

#include <stdint.h>

#include "common/net/packet.h"
#include "stages/tracker/counters.h"

struct defrag;

/** `limit`: bytes of one datagram that may wait. NULL: no memory. */
struct defrag *defrag_new(uint64_t seed, uint64_t limit);

/** Accepts NULL. */
void defrag_free(struct defrag **defrag);

/** What defrag_add found. */
enum { DEFRAG_WAITS = 0, DEFRAG_WHOLE = 1 };

/**
 * Takes a fragment's packet, at its own time and the capture's clock. DEFRAG_WHOLE: it completed
 * its datagram, and `packet` is that now; what it points to is valid until the next call.
 * DEFRAG_WAITS: it did not; or -ENOMEM.
 */
int defrag_add(struct defrag *defrag, struct packet *packet, int64_t time_ns, int64_t clock_ns,
               struct counters *counters);

/** Lets go of datagrams that the capture's clock has left behind. */
void defrag_expire(struct defrag *defrag, int64_t clock_ns, struct counters *counters);

/** The capture ended: drops all that waits. */
void defrag_end(struct defrag *defrag, struct counters *counters);

#endif
