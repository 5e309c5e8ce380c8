/*
 * The JSON under platform files and documents: strict (RFC 8259), of bounded size and depth.
 */
#ifndef TAPLINE_CLASSIFIER_PROFILE_JSON_H
#define TAPLINE_CLASSIFIER_PROFILE_JSON_H

#include <json-c/json.h>
#include <stddef.h>

#include "stages/classifier/fault.h"

/** One JSON object, to be given back with json_object_put; NULL with the fault said. */
struct json_object *profile_json(const char *text, size_t length, const struct fault *fault);

#endif
