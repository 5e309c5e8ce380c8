/*
 * A kind of record as JSON in which nothing is filled in yet: every key, and what stands for a
 * value that nobody learned. Most of a record is just that, so that writing one means copying the
 * form from one value to the next.
 */
#ifndef TAPLINE_SINK_FORM_H
#define TAPLINE_SINK_FORM_H

#include "common/base/stamp.h"
#include "stages/sink/row.h"

struct form;

/** The form of a schema's records. NULL: no memory. */
struct form *form_new(const struct schema *schema);

/** NULLs the caller's pointer, and accepts NULL in it. */
void form_free(struct form **form);

/** Appends the row, which is of the form's schema, as one JSON object. `view`: its flow; NULL for a
 *  schema that shows none. 0, or ERR_MALFORMED: a value has no JSON form (what was appended means
 *  nothing then), -ENOMEM. */
int form_fill(const struct form *form, const struct row *row, const struct view *view,
              struct stamp *stamp, struct buffer *to);

#endif
