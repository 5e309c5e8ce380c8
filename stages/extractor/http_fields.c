#include "stages/extractor/http_fields.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/pack.h"

/* ": " and CR LF, which surround a name and its value on the wire. */
enum { SEPARATORS = 4 };

struct field {
    uint32_t at; /* of the name within the text; the value follows it */
    uint32_t name_length;
    uint32_t value_length;
    uint32_t next; /* the next field of this name; 0: none (the first field is nobody's next) */
    bool repeats;  /* stands in the list of an earlier one */
};

struct http_fields {
    struct spares *spares; /* where it goes when it is freed */
    uint64_t most;
    uint64_t used; /* of those */
    uint64_t dropped;
    struct buffer text;   /* names and values */
    struct buffer fields; /* struct field each */
    struct field current; /* the one that is being put together at the text's end */
    bool full;
};

static void drop(void *object)
{
    struct http_fields *fields = object;
    buffer_free(&fields->text);
    buffer_free(&fields->fields);
    free(fields);
}

void http_fields_free(struct http_fields **fields)
{
    if (*fields)
        spares_put((*fields)->spares, *fields, drop);
    *fields = NULL;
}

struct http_fields *http_fields_new(struct spares *spares, uint64_t most)
{
    struct http_fields *fields = spares_take(spares);
    if (!fields)
        fields = calloc(1, sizeof *fields);
    if (!fields)
        return NULL;
    buffer_clear(&fields->text);
    buffer_clear(&fields->fields);
    *fields = (struct http_fields){
        .spares = spares, .most = most, .text = fields->text, .fields = fields->fields};
    /* The text has an address from the start on, so that empty names and values have one, too. */
    if (!buffer_reserve(&fields->text, 1))
        http_fields_free(&fields);
    return fields;
}

/* Adds a piece to the current field; once the bound is passed, nothing more is kept. */
static int add(struct http_fields *fields, const char *piece, size_t length, uint32_t *part)
{
    if (fields->full)
        return 0;
    uint64_t now = fields->current.name_length + fields->current.value_length;
    if (fields->used + now + length + SEPARATORS > fields->most) {
        fields->full = true;
        return 0;
    }
    *part += (uint32_t)length;
    return buffer_append(&fields->text, piece, length);
}

int http_fields_name(struct http_fields *fields, const char *piece, size_t length)
{
    int error = add(fields, piece, length, &fields->current.name_length);
    if (error || fields->full)
        return error;
    uint8_t *letters = fields->text.bytes + fields->text.length - length;
    for (size_t i = 0; i < length; i++)
        if (letters[i] >= 'A' && letters[i] <= 'Z')
            letters[i] |= 0x20;
    return 0;
}

int http_fields_value(struct http_fields *fields, const char *piece, size_t length)
{
    return add(fields, piece, length, &fields->current.value_length);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

int http_fields_end(struct http_fields *fields)
{
    struct field field = fields->current;
    fields->current = (struct field){0};
    if (fields->full) {
        fields->dropped++;
        return 0;
    }
    /* Blanks before the colon and behind the value are not the field's (RFC 9112, section 5.1).
     * The value starts behind the whole name, so the name keeps its place and length there. */
    uint8_t *name = fields->text.bytes + field.at, *value = name + field.name_length;
    while (field.value_length && is_blank(value[field.value_length - 1]))
        field.value_length--;
    size_t blanks = 0;
    while (blanks < field.name_length && is_blank(name[field.name_length - 1 - blanks]))
        blanks++;
    if (blanks) {
        memmove(value - blanks, value, field.value_length);
        field.name_length -= (uint32_t)blanks;
    }
    fields->used += field.name_length + field.value_length + SEPARATORS;
    fields->text.length = field.at + field.name_length + field.value_length;
    fields->current.at = (uint32_t)fields->text.length;
    return buffer_append(&fields->fields, &field, sizeof field);
}

uint64_t http_fields_dropped(const struct http_fields *fields)
{
    return fields->dropped;
}

static size_t count_of(const struct http_fields *fields)
{
    return fields->fields.length / sizeof(struct field);
}

static struct field *list_of(const struct http_fields *fields)
{
    return (struct field *)(void *)fields->fields.bytes;
}

struct slice http_fields_next(const struct http_fields *fields, const char *name, size_t *at)
{
    const struct field *list = list_of(fields);
    size_t length = strlen(name), count = count_of(fields);
    while (*at < count) {
        const struct field *field = &list[(*at)++];
        const uint8_t *text = fields->text.bytes + field->at;
        if (field->name_length == length && memcmp(text, name, length) == 0)
            return (struct slice){text + length, field->value_length};
    }
    return (struct slice){0};
}

struct slice http_fields_find(const struct http_fields *fields, const char *name)
{
    size_t at = 0;
    return http_fields_next(fields, name, &at);
}

/* ---- into a record ----------------------------------------------------------------------------
 */

static int by_name(const struct http_fields *fields, uint32_t a, uint32_t b)
{
    const struct field *list = list_of(fields), *x = &list[a], *y = &list[b];
    if (x->name_length != y->name_length)
        return x->name_length < y->name_length ? -1 : 1;
    return x->name_length
               ? memcmp(fields->text.bytes + x->at, fields->text.bytes + y->at, x->name_length)
               : 0;
}

static int by_name_and_place(const void *a, const void *b, void *fields)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int names = by_name(fields, x, y);
    return names ? names : (x > y) - (x < y);
}

/* Chains the fields of one name. Sorted, so that thousands of names cost no square of them. */
static int chain_names(struct http_fields *fields)
{
    enum { FEW = 64 };
    size_t count = count_of(fields);
    struct field *list = list_of(fields);
    uint32_t few[FEW], *order = count <= FEW ? few : malloc(count * sizeof *order);
    if (!order)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, by_name_and_place, fields);
    for (size_t i = 1; i < count; i++)
        if (by_name(fields, order[i - 1], order[i]) == 0) {
            list[order[i - 1]].next = order[i];
            list[order[i]].repeats = true;
        }
    if (order != few)
        free(order);
    return 0;
}

static void pack_value(const struct http_fields *fields, struct buffer *to,
                       const struct field *field)
{
    pack_text(to, fields->text.bytes + field->at + field->name_length, field->value_length);
}

static void pack_values(const struct http_fields *fields, struct buffer *to,
                        const struct field *first)
{
    const struct field *list = list_of(fields);
    size_t place = pack_array_open(to);
    uint32_t count = 0;
    for (const struct field *field = first; field; count++) {
        pack_value(fields, to, field);
        field = field->next ? &list[field->next] : NULL;
    }
    pack_array_close(to, place, count);
}

void http_fields_pack(struct http_fields *fields, struct buffer *to)
{
    size_t count = count_of(fields), place = pack_array_open(to);
    const struct field *list = list_of(fields);
    uint32_t names = 0;
    if (count && chain_names(fields) != 0)
        to->failed = true;
    for (size_t i = 0; i < count; i++) {
        if (list[i].repeats)
            continue;
        names++;
        pack_array(to, 2);
        pack_text(to, fields->text.bytes + list[i].at, list[i].name_length);
        if (list[i].next)
            pack_values(fields, to, &list[i]);
        else
            pack_value(fields, to, &list[i]);
    }
    pack_array_close(to, place, names);
}
