/*
 * One record between the wire and its line: the values that msgpack maps gave for a schema's
 * fields.
 *
 * Keys that the schema does not know follow the documented ones, in the order in which they came.
 */
#ifndef TAPLINE_SINK_ROW_H
#define TAPLINE_SINK_ROW_H

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/wire/unpack.h"
#include "stages/sink/schema.h"
#include "stages/sink/view.h"

enum { MAX_FURTHER = 16 };

struct further {
    struct slice key;
    struct slice value;
};

/** Borrows from the maps it was read from. */
struct row {
    const struct schema *schema;
    uint32_t known; /* a bit for each documented field, the first one's the lowest */
    struct slice values[MAX_FIELDS]; /* of the known ones, as msgpack */
    struct further further[MAX_FURTHER];
    uint32_t further_count;
};

/** Takes the lowest field, which there is, out of a set like `known`. */
static inline size_t row_take_field(uint32_t *fields)
{
    size_t field = (size_t)__builtin_ctz(*fields);
    *fields &= *fields - 1;
    return field;
}

/** Reads maps, one behind the other. nil is unknown; where a key comes twice the later one stands.
 *  0; ERR_TRUNCATED or ERR_MALFORMED, also where a value is not of its field's type; ERR_LIMIT:
 *  more than MAX_FURTHER undocumented keys. */
int row_read(struct row *row, const struct schema *schema, struct slice maps);

/** A field's value, by its key; without anything to read where it is unknown. */
struct unpack row_value(const struct row *row, const char *key);

/** The same, and only of a field that is not printed. */
struct unpack row_unprinted(const struct row *row, const char *key);

/** Appends what of the row is printed, in few bytes; `to` says whether there was memory. */
void row_store(const struct row *row, struct buffer *to);

/** Reads all that is left, which row_store wrote of a row of that schema, and borrows it. 0,
 *  ERR_TRUNCATED or ERR_MALFORMED. */
int row_load(struct row *row, const struct schema *schema, struct unpack *from);

/** How many keys the record has. */
size_t row_pairs(const struct row *row);

/** Appends the record's keys and values as so many msgpack pairs. Without a view what the stages
 *  said of the flow stands there, or nil. 0 or -ENOMEM. */
int row_pack(const struct row *row, const struct view *view, struct buffer *to);

#endif
