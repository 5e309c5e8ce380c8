/*
 * STUN messages (RFC 8489, section 5; without the magic cookie, which RFC 3489 did not have),
 * and the JSON objects that platforms put into their attributes.
 */
#ifndef TAPLINE_CLASSIFIER_STUN_H
#define TAPLINE_CLASSIFIER_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/cursor.h"
#include "common/wire/unpack.h"

/** What shows at a glance: a message has so many bytes and more, and these bits of the first of
 *  them are unset. */
enum { STUN_HEADER = 20, STUN_UNSET = 0xfe };

/**
 * Is this datagram a STUN message: type 0x0001 to 0x0111, a length that covers the rest exactly,
 * and attributes, each padded to four bytes, that fill it? `missing` bytes behind these were cut
 * off by the snap length: they are believed to be as they should.
 */
bool stun_recognise(const uint8_t *bytes, size_t length, size_t missing);

/** A walk over the attributes of a message that stun_recognise said yes to. */
struct cursor stun_attributes(const uint8_t *bytes, size_t length);

/** Finds the next attribute of that type, of which every byte is there; false at the end. */
bool stun_next(struct cursor *attributes, uint16_t type, struct slice *value);

/**
 * Appends the members of a JSON object as a run of msgpack pairs, in their order but for the
 * member `except`, and says how many in *pairs. Also gives a digest (XXH3, 128 bits) that objects
 * share when they are equal as JSON, whatever the order of their members.
 * 0; ERR_MALFORMED: no JSON object (RFC 8259), one nested deeper than 16, or one with a number
 * that neither 64 bits nor a double can hold; or -ENOMEM.
 */
int stun_object(struct slice text, const char *except, struct buffer *to, uint32_t *pairs,
                uint64_t digest[2]);

#endif
