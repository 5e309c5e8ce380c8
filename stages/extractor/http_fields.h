/*
 * The header fields of one HTTP message (RFC 9112, section 5), put together from the pieces that a
 * parser hands out.
 */
#ifndef TAPLINE_EXTRACTOR_HTTP_FIELDS_H
#define TAPLINE_EXTRACTOR_HTTP_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/spares.h"
#include "common/wire/unpack.h"

struct http_fields;

/** No fields yet; `most` bytes of names, values and their separators are kept. NULL: no memory. It
 *  comes out of the spares where there is one, and goes back there: they must outlive it. */
struct http_fields *http_fields_new(struct spares *spares, uint64_t most);

/** Puts it to the spares it came from and nulls the pointer; accepts NULL. */
void http_fields_free(struct http_fields **fields);

/** A piece of a field's name, and of its value; 0 or -ENOMEM. */
int http_fields_name(struct http_fields *fields, const char *piece, size_t length);
int http_fields_value(struct http_fields *fields, const char *piece, size_t length);

/** The field is whole: it counts from now on, unless it is the first that passes the bound or
 *  follows one that did. 0 or -ENOMEM. */
int http_fields_end(struct http_fields *fields);

/** Fields of this message that were not kept. */
uint64_t http_fields_dropped(const struct http_fields *fields);

/** The next value of a name (in lower case) from the *at-th field on, and *at behind it; otherwise
 *  as http_fields_find. */
struct slice http_fields_next(const struct http_fields *fields, const char *name, size_t *at);

/** The first value of a name (in lower case), borrowed; without bytes where there is none. */
struct slice http_fields_find(const struct http_fields *fields, const char *name);

/** Appends the array of a record: [name, value] for each name in the order of their first
 *  places, with a list of the values where the name repeats. */
void http_fields_pack(struct http_fields *fields, struct buffer *to);

#endif
