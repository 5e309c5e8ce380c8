/*
 * The attempts at captures that a process takes part in, one session each, and those that are over:
 * what still comes of these, from a worker that slept, is known by that and passed over.
 */
#ifndef TAPLINE_COMMON_ATTEMPTS_H
#define TAPLINE_COMMON_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus/session.h"

struct attempts;

/** None yet. `end` frees a session's core and nulls the pointer; NULL: cores need no end. NULL
 *  where memory is short. */
struct attempts *attempts_new(void (*end)(void **core));

/** The session of an attempt; NULL: there is none. */
struct session *attempts_find(const struct attempts *attempts, uint64_t capture, uint64_t attempt);

/** Is this attempt over: was it, or a later one of its capture, released, or is a later one under
 *  way? */
bool attempts_over(const struct attempts *attempts, uint64_t capture, uint64_t attempt);

/** Takes a session over. 0 or -ENOMEM (and the session is freed). */
int attempts_add(struct attempts *attempts, struct session *session);

/** How many there are, and each of them; releasing changes which. */
uint32_t attempts_count(const struct attempts *attempts);
struct session *attempts_at(const struct attempts *attempts, uint32_t at);

/** Ends a session's core; the session stays, failed, to know late messages by. */
void attempts_fail(struct attempts *attempts, struct session *session);

/** Forgets the attempts at a capture up to this one, and frees their sessions. */
void attempts_release(struct attempts *attempts, uint64_t capture, uint64_t attempt);

/** Frees all sessions. */
void attempts_free(struct attempts **attempts);

#endif
