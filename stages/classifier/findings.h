/*
 * What was found of one flow: its type, and the identifiers that its signatures revealed.
 *
 * Signatures that wait for bytes are decided later than others behind them in the stream, so
 * every finding carries its place, and the earliest counts, not the first that was told.
 */
#ifndef TAPLINE_CLASSIFIER_FINDINGS_H
#define TAPLINE_CLASSIFIER_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/wire/event.h"
#include "stages/classifier/ground.h"

/** What a type ranks by, among what matches the same bytes: the signatures come behind these, by
 *  their index in the profile. */
enum { RANK_HTTP, RANK_HTTPS, RANK_SIGNATURES };

/** Where a finding lies: the number of its segment or datagram among the flow's events. */
typedef uint64_t place;

/** Most flows reveal nothing: what they would be kept in is made when something is found. */
struct findings {
    uint32_t rank; /* of the type; FINDINGS_NO_TYPE: none */
    bool dns_only; /* every datagram was DNS */
    place type_at;
    struct ground *ground;
    struct event_open open;     /* the flow's */
    struct sighting *sightings; /* one of each signature and side */
    struct stun_values *stun;   /* NULL: none was found */
};

enum { FINDINGS_NO_TYPE = INT32_MAX };

/** Nothing is found yet. `ground` is borrowed and outlives it. */
void findings_begin(struct findings *f, struct ground *ground, const struct event_open *open);

/** Forgets what was found. */
void findings_free(struct findings *f);

/** Something matched: of TCP the earliest place and there the lowest rank gives the flow its type,
 *  of UDP the lowest rank wherever it lies. */
void findings_type(struct findings *f, place at, uint32_t rank);

/** Is there a type, where, and of what rank? */
bool findings_typed(const struct findings *f, place *at, uint32_t *rank);

/** Does this signature give the type that the flow has? */
bool findings_type_is(const struct findings *f, size_t signature);

/** A side revealed its identifier; the value is copied. 0 or -ENOMEM. */
int findings_identifier(struct findings *f, size_t signature, int side, place at,
                        struct slice value, uint32_t location);

/** Has this signature an identifier of that side? */
bool findings_identified(struct findings *f, size_t signature, int side);

/** The text of a STUN attribute: kept where it is a JSON object that is new of that side; *found
 *  says that it is an object. Where `most` are kept nothing is looked at. 0 or -ENOMEM. */
int findings_stun(struct findings *f, int side, struct slice text, uint64_t most, bool *found);

/** Every packet of the flow was a DNS message: what its answers say stands elsewhere, and the flow
 *  itself is left out of the records. */
void findings_dns_only(struct findings *f);

/** Appends the map of notes for the flow's close, where anything was found, and says so in *found;
 *  0 or -ENOMEM. */
int findings_note(const struct findings *f, struct buffer *to, bool *found);

#endif
