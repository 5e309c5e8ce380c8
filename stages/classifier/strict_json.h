/*
 * JSON as RFC 8259 has it, read by json-c; which even where it is told to be strict takes 'this'
 * for a name, and NaN, Infinity and "1." for numbers.
 */
#ifndef TAPLINE_CLASSIFIER_STRICT_JSON_H
#define TAPLINE_CLASSIFIER_STRICT_JSON_H

#include <json-c/json.h>
#include <stddef.h>

/** One JSON value, in at most INT_MAX bytes, nested at most `depth` deep, to be given back with
 * json_object_put. NULL where it is none: *fault then says why (a constant), *at the byte where
 * that was seen. */
struct json_object *strict_json(const char *text, size_t length, int depth, const char **fault,
                                size_t *at);

#endif
