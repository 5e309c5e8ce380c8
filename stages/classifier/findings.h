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
#include "stages/classifier/profile.h"

/** What a type ranks by, among what matches the same bytes: the signatures come behind these, by
 *  their index in the profile. */
enum { RANK_HTTP, RANK_HTTPS, RANK_SIGNATURES };

/** Where a finding lies: the number of its segment or datagram among the flow's events. */
typedef uint64_t place;

struct findings;

/** `open` and `profile` are borrowed and outlive it. NULL: no memory. */
struct findings *findings_new(const struct profile *profile, const struct event_open *open);
void findings_free(struct findings **findings);

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
bool findings_identified(const struct findings *f, size_t signature, int side);

/** The text of a STUN attribute: kept where it is a JSON object that is new of that side; *found
 *  says that it is an object. Where `most` are kept nothing is looked at. 0 or -ENOMEM. */
int findings_stun(struct findings *f, int side, struct slice text, uint64_t most, bool *found);

/** Appends the map of notes for the flow's close, where anything was found; 0 or -ENOMEM. */
int findings_note(const struct findings *f, struct buffer *to);

#endif
