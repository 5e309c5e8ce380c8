/*
 * One record between the wire and its line: the values that msgpack maps gave for a schema's
 * fields, and the JSON made of them.
 *
 * Keys that the schema does not know follow the documented ones, in the order in which they came.
 */
#ifndef TAPLINE_SINK_ROW_H
#define TAPLINE_SINK_ROW_H

#include <stdint.h>

#include "common/base/jsonw.h"
#include "common/base/stamp.h"
#include "common/wire/event.h"
#include "common/wire/unpack.h"
#include "stages/sink/schema.h"

enum { MAX_FURTHER = 16 };

struct further {
    struct slice key;
    struct slice value;
};

/** Borrows from the maps it was read from. */
struct row {
    const struct schema *schema;
    struct slice values[MAX_FIELDS]; /* by field, as msgpack; without bytes: unknown */
    struct further further[MAX_FURTHER];
    uint32_t further_count;
    uint32_t learned; /* documented fields that are known */
};

/** Reads a run of `count` maps. nil is unknown; where a key comes twice the later one stands. 0,
 *  ERR_TRUNCATED or ERR_MALFORMED, ERR_LIMIT: more than MAX_FURTHER undocumented keys. */
int row_read(struct row *row, const struct schema *schema, struct slice maps, uint32_t count);

/** A field's value, by its key; without anything to read where it is unknown. */
struct unpack row_value(const struct row *row, const char *key);

/** The same, and only of a field that is not printed. */
struct unpack row_unprinted(const struct row *row, const char *key);

/** Appends the record as one JSON object. `figures`: the flow's, with the side that is named first
 *  in the initiator's place; NULL for a schema that needs none. 0, or ERR_MALFORMED: a value is
 *  not of its field's type (what was appended means nothing then), -ENOMEM. */
int row_write(const struct row *row, const struct figures *figures, struct stamp *stamp,
              struct buffer *to);

/** How many keys the record has. */
size_t row_pairs(const struct row *row);

/** Appends the record's keys and values as so many msgpack pairs. Without `figures` what the
 *  stages said of the flow stands there, or nil. Errors as above. */
int row_pack(const struct row *row, const struct figures *figures, struct buffer *to);

/** Writes any msgpack value as JSON, times as stamps; bytes and extensions have no JSON form.
 *  0, ERR_TRUNCATED or ERR_MALFORMED. */
int row_write_value(struct jsonw *w, struct unpack *from, struct stamp *stamp);

#endif
