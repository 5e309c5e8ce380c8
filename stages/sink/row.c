#include "stages/sink/row.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/error.h"
#include "common/wire/pack.h"

static bool is_key(const struct field *field, struct slice key)
{
    return field->key_length == key.length && memcmp(field->key, key.bytes, key.length) == 0;
}

/* The field of that key, -1: none. They are looked through from `first` on and around, as keys
 * mostly come in the schema's order. */
static int find_field(const struct schema *schema, struct slice key, size_t first)
{
    for (size_t i = first; i < schema->count; i++)
        if (is_key(&schema->fields[i], key))
            return (int)i;
    for (size_t i = 0; i < first; i++)
        if (is_key(&schema->fields[i], key))
            return (int)i;
    return -1;
}

/* Of what type a field's value must be where a stage gives one; none may be given for a count. */
static enum unpack_type type_of(enum field_kind kind)
{
    switch (kind) {
    case FIELD_TEXT:
    case FIELD_IP_PORT: return UNPACK_STR;
    case FIELD_TIME:
    case FIELD_START: return UNPACK_TIME;
    case FIELD_INT: return UNPACK_INT;
    case FIELD_LIST: return UNPACK_ARRAY;
    default: return UNPACK_NONE;
    }
}

static bool is_of_type(const struct field *field, enum unpack_type type)
{
    return field->kind == FIELD_UNPRINTED || type == type_of(field->kind);
}

static int keep_further(struct row *row, struct slice key, struct slice value)
{
    uint32_t at = 0;
    while (at < row->further_count &&
           (row->further[at].key.length != key.length ||
            memcmp(row->further[at].key.bytes, key.bytes, key.length) != 0))
        at++;
    if (at == MAX_FURTHER)
        return ERR_LIMIT;
    row->further[at] = (struct further){key, value};
    row->further_count += at == row->further_count;
    return 0;
}

static void set_value(struct row *row, size_t field, struct slice value)
{
    row->known |= UINT32_C(1) << field;
    row->values[field] = value;
}

/* `next` is the field that is expected, and then the one behind the field that came. */
static int read_pair(struct row *row, struct unpack *from, size_t *next)
{
    struct slice key = unpack_str(from);
    enum unpack_type type = unpack_type(from);
    struct slice value = unpack_raw(from);
    if (from->error)
        return from->error;
    if (type == UNPACK_NIL)
        return 0;
    int field = find_field(row->schema, key, *next);
    if (field < 0)
        return keep_further(row, key, value);
    *next = (size_t)field + 1;
    if (!is_of_type(&row->schema->fields[field], type))
        return ERR_MALFORMED;
    set_value(row, (size_t)field, value);
    return 0;
}

static void clear(struct row *row, const struct schema *schema)
{
    row->schema = schema;
    row->further_count = row->known = 0;
}

int row_read(struct row *row, const struct schema *schema, struct slice maps)
{
    struct unpack from = unpack_over(maps.bytes, maps.length);
    clear(row, schema);
    int error = 0;
    while (from.at < from.end && !error) {
        uint32_t pairs = unpack_map(&from);
        size_t next = 0;
        error = from.error;
        for (uint32_t pair = 0; pair < pairs && !error; pair++)
            error = read_pair(row, &from, &next);
    }
    return error;
}

/* Stored, every value follows its field's number and its length; an undocumented one has this
 * number, and its key before it. */
enum { FURTHER = MAX_FIELDS };

static uint8_t *put_slice(uint8_t *at, struct slice slice)
{
    at = pack_put_uint(at, slice.length);
    if (slice.length) /* what is empty may be NULL */
        memcpy(at, slice.bytes, slice.length);
    return at + slice.length;
}

/* No less than what is stored takes. */
static size_t room_for(const struct row *row)
{
    size_t room = 0;
    for (uint32_t left = row->known; left;)
        room += 2 * PACK_LONGEST_NUMBER + row->values[row_take_field(&left)].length;
    for (uint32_t i = 0; i < row->further_count; i++)
        room += 3 * PACK_LONGEST_NUMBER + row->further[i].key.length + row->further[i].value.length;
    return room;
}

void row_store(const struct row *row, struct buffer *to)
{
    uint8_t *at = buffer_reserve(to, room_for(row));
    if (!at)
        return;
    for (uint32_t left = row->known; left;) {
        size_t field = row_take_field(&left);
        if (row->schema->fields[field].kind != FIELD_UNPRINTED)
            at = put_slice(pack_put_uint(at, field), row->values[field]);
    }
    for (uint32_t i = 0; i < row->further_count; i++)
        at = put_slice(put_slice(pack_put_uint(at, FURTHER), row->further[i].key),
                       row->further[i].value);
    to->length = (size_t)(at - to->bytes);
}

static struct slice load_slice(struct unpack *from)
{
    uint64_t length = unpack_uint(from);
    struct slice slice = {from->at, (size_t)length};
    if (length > (size_t)(from->end - from->at)) {
        unpack_refuse(from);
        return (struct slice){0};
    }
    from->at += length;
    return slice;
}

int row_load(struct row *row, const struct schema *schema, struct unpack *from)
{
    int error = 0;
    clear(row, schema);
    while (from->at < from->end && !error) {
        uint64_t field = unpack_uint(from);
        struct slice key = field == FURTHER ? load_slice(from) : (struct slice){0};
        struct slice value = load_slice(from);
        if (field == FURTHER)
            error = keep_further(row, key, value);
        else if (field < schema->count)
            set_value(row, field, value);
        else
            error = ERR_MALFORMED;
    }
    return from->error ? from->error : error;
}

static struct unpack value_of(const struct row *row, const char *key, bool printed)
{
    struct slice name = {(const uint8_t *)key, strlen(key)}, value = {0};
    for (uint32_t left = row->known; left;) {
        size_t i = row_take_field(&left);
        const struct field *field = &row->schema->fields[i];
        if (is_key(field, name) && (printed || field->kind == FIELD_UNPRINTED))
            value = row->values[i];
    }
    return unpack_over(value.bytes, value.length);
}

struct unpack row_unprinted(const struct row *row, const char *key)
{
    return value_of(row, key, false);
}

struct unpack row_value(const struct row *row, const char *key)
{
    return value_of(row, key, true);
}

size_t row_pairs(const struct row *row)
{
    size_t pairs = row->further_count;
    for (size_t i = 0; i < row->schema->count; i++)
        pairs += row->schema->fields[i].kind != FIELD_UNPRINTED;
    return pairs;
}

static void pack_figure(struct buffer *to, enum field_kind kind, const struct view *view)
{
    char text[IP_PORT_TEXT];
    struct slice ip_port;
    switch (kind) {
    case FIELD_IP_PORT:
        ip_port = view_ip_port(view, text);
        pack_text(to, ip_port.bytes, ip_port.length);
        break;
    case FIELD_START: pack_time(to, view->start_ns); break;
    case FIELD_END: pack_time(to, view->end_ns); break;
    case FIELD_RTT_MS: pack_double(to, view_rtt_ms(view)); break;
    default: pack_uint(to, view_count(view, kind)); break;
    }
}

/* What the stages learned, or what stands for it. */
static void pack_learned(struct buffer *to, const struct row *row, size_t field)
{
    const struct field *f = &row->schema->fields[field];
    if (row->known >> field & 1)
        buffer_append(to, row->values[field].bytes, row->values[field].length);
    else
        buffer_append(to, f->unknown, f->unknown_length);
}

int row_pack(const struct row *row, const struct view *view, struct buffer *to)
{
    for (size_t i = 0; i < row->schema->count; i++) {
        const struct field *field = &row->schema->fields[i];
        if (field->kind == FIELD_UNPRINTED)
            continue;
        msgpack_packer p = pack_to(to);
        msgpack_pack_str(&p, field->key_length);
        msgpack_pack_str_body(&p, field->key, field->key_length);
        if (view && field->kind > FIELD_UNPRINTED)
            pack_figure(to, field->kind, view);
        else
            pack_learned(to, row, i);
    }
    for (uint32_t i = 0; i < row->further_count; i++) {
        pack_text(to, row->further[i].key.bytes, row->further[i].key.length);
        buffer_append(to, row->further[i].value.bytes, row->further[i].value.length);
    }
    return to->failed ? -ENOMEM : 0;
}
