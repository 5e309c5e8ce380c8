/*
 * Reading the members of a JSON object that somebody wrote by hand: each is of its type and
 * within its range, none is unknown. Every function says its fault and returns false.
 */
#ifndef TAPLINE_CLASSIFIER_MEMBERS_H
#define TAPLINE_CLASSIFIER_MEMBERS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/classifier/fault.h"

/** The member of that name, or NULL. */
struct json_object *member(struct json_object *object, const char *name);

/** All its members are among `known`, which ends with NULL; `what` names the object. */
bool members_known(struct json_object *object, const char *what, const char *const known[],
                   const struct fault *fault);

/** Exactly one of the names (which end with NULL) is there; *index becomes its place among them. */
bool members_one_of(struct json_object *object, const char *what, const char *const names[],
                    size_t *index, const struct fault *fault);

/** A whole number within a range; *value stays as it is where there is no such member. */
bool member_number(struct json_object *object, const char *name, uint32_t least, uint32_t most,
                   uint32_t *value, const struct fault *fault);

/** Printable text of 1 to size - 1 bytes, copied with its NUL; it must be there. */
bool member_text(struct json_object *object, const char *name, char *text, size_t size,
                 const struct fault *fault);

/** The index of a member's text among `words`, which end with NULL; *index stays as it is where
 *  there is no such member. */
bool member_word(struct json_object *object, const char *name, const char *const words[],
                 size_t *index, const struct fault *fault);

/** An array of `least` to `most` objects, which must be there; *list is borrowed. */
bool member_objects(struct json_object *object, const char *name, size_t least, size_t most,
                    struct json_object **list, const struct fault *fault);

/** 1 to `most` bytes, given as `text` (as they are) or as pairs of hexadecimal digits. */
bool member_bytes(struct json_object *object, const char *name, bool hex, uint8_t *bytes,
                  size_t most, uint32_t *length, const struct fault *fault);

#endif
