/*
 * Which signatures a payload rules out at a glance. Nearly every payload matches none, and that
 * shows in its length and one of its bytes: these are collected from all signatures of a profile
 * into one short list, so that the rest is looked at only where there may be something.
 */
#ifndef TAPLINE_CLASSIFIER_GLANCE_H
#define TAPLINE_CLASSIFIER_GLANCE_H

#include <stddef.h>
#include <stdint.h>

#include "stages/classifier/signature.h"

struct glance;

/** For those among at most 64 signatures that are of this transport; they are not referred to
 *  later. NULL: no memory. */
struct glance *glance_new(const struct signature *signatures, size_t count, uint8_t transport);

/** NULLs the caller's pointer, and accepts NULL in it. */
void glance_free(struct glance **glance);

/** Those of the signatures `of` (a bit for each, by its index) that the payload may match, or may
 *  yet when more of it comes. All others do not. */
uint64_t glance(const struct glance *glance, uint64_t of, const struct payload *payload);

#endif
