/*
 * From a profile's JSON to a signature (deploy/platforms/README.md has the members).
 */
#ifndef TAPLINE_CLASSIFIER_SIGNATURE_READ_H
#define TAPLINE_CLASSIFIER_SIGNATURE_READ_H

#include <json-c/json.h>
#include <stdbool.h>

#include "stages/classifier/fault.h"
#include "stages/classifier/signature.h"

/** Reads and checks one; false with the fault said. */
bool signature_read(struct json_object *from, struct signature *s, struct fault fault);

#endif
