#include "stages/sink/row.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/error.h"
#include "common/wire/pack.h"

enum { MAX_DEPTH = 32 };

static int find_field(const struct schema *schema, struct slice key)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        if (field->key_length == key.length && memcmp(field->key, key.bytes, key.length) == 0)
            return (int)i;
    }
    return -1;
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

static int read_pair(struct row *row, struct unpack *from)
{
    struct slice key = unpack_str(from);
    enum unpack_type type = unpack_type(from);
    struct slice value = unpack_raw(from);
    if (from->error)
        return from->error;
    if (type == UNPACK_NIL)
        return 0;
    int field = find_field(row->schema, key);
    if (field < 0)
        return keep_further(row, key, value);
    row->learned += !row->values[field].length;
    row->values[field] = value;
    return 0;
}

int row_read(struct row *row, const struct schema *schema, struct slice maps, uint32_t count)
{
    struct unpack from = unpack_over(maps.bytes, maps.length);
    row->schema = schema;
    row->further_count = row->learned = 0;
    memset(row->values, 0, schema->count * sizeof row->values[0]);
    int error = 0;
    for (uint32_t i = 0; i < count && !error; i++) {
        uint32_t pairs = unpack_map(&from);
        error = from.error;
        for (uint32_t pair = 0; pair < pairs && !error; pair++)
            error = read_pair(row, &from);
    }
    return error;
}

struct unpack row_unprinted(const struct row *row, const char *key)
{
    int field = find_field(row->schema, (struct slice){(const uint8_t *)key, strlen(key)});
    bool known = field >= 0 && row->schema->fields[field].kind == FIELD_UNPRINTED;
    struct slice value = known ? row->values[field] : (struct slice){0};
    return unpack_over(value.bytes, value.length);
}

struct unpack row_value(const struct row *row, const char *key)
{
    int field = find_field(row->schema, (struct slice){(const uint8_t *)key, strlen(key)});
    struct slice value = field < 0 ? (struct slice){0} : row->values[field];
    return unpack_over(value.bytes, value.length);
}

static void write_stamp(struct jsonw *w, struct stamp *stamp, int64_t time_ns)
{
    char text[STAMP_LENGTH];
    stamp_write(stamp, time_ns, text);
    jsonw_plain(w, text, sizeof text);
}

static void write_any(struct jsonw *w, struct unpack *from, struct stamp *stamp, int depth);

static void write_array(struct jsonw *w, struct unpack *from, struct stamp *stamp, int depth)
{
    jsonw_open_array(w);
    uint32_t count = unpack_array(from);
    for (uint32_t i = 0; i < count && !from->error; i++)
        write_any(w, from, stamp, depth);
    jsonw_close_array(w);
}

static void write_map(struct jsonw *w, struct unpack *from, struct stamp *stamp, int depth)
{
    jsonw_open_object(w);
    uint32_t pairs = unpack_map(from);
    for (uint32_t i = 0; i < pairs && !from->error; i++) {
        struct slice name = unpack_str(from);
        jsonw_name(w, name.bytes, name.length);
        write_any(w, from, stamp, depth);
    }
    jsonw_close_object(w);
}

/* msgpack's integers of either sign reach beyond either of C's. */
static void write_int(struct jsonw *w, struct unpack *from)
{
    struct unpack ahead = *from;
    uint64_t value = unpack_uint(&ahead);
    if (ahead.error) {
        jsonw_int(w, unpack_int(from));
        return;
    }
    jsonw_uint(w, value);
    *from = ahead;
}

/* Recursion is bounded by `depth`, as a sender may nest as deep as a message is long. */
static void write_any(struct jsonw *w, struct unpack *from, struct stamp *stamp, int depth)
{
    struct slice text;
    if (depth >= MAX_DEPTH) {
        unpack_refuse(from);
        return;
    }
    switch (unpack_type(from)) {
    case UNPACK_NIL:
        unpack_nil(from);
        jsonw_null(w);
        break;
    case UNPACK_BOOL: jsonw_bool(w, unpack_bool(from)); break;
    case UNPACK_INT: write_int(w, from); break;
    case UNPACK_DOUBLE: jsonw_double(w, unpack_double(from)); break;
    case UNPACK_STR:
        text = unpack_str(from);
        jsonw_text(w, text.bytes, text.length);
        break;
    case UNPACK_ARRAY: write_array(w, from, stamp, depth + 1); break;
    case UNPACK_MAP: write_map(w, from, stamp, depth + 1); break;
    case UNPACK_TIME: write_stamp(w, stamp, unpack_time(from)); break;
    case UNPACK_NONE:
    case UNPACK_BIN:
    case UNPACK_OTHER: unpack_refuse(from); break;
    }
}

int row_write_value(struct jsonw *w, struct unpack *from, struct stamp *stamp)
{
    write_any(w, from, stamp, 0);
    return from->error;
}

static enum unpack_type type_of(enum field_kind kind)
{
    switch (kind) {
    case FIELD_TEXT: return UNPACK_STR;
    case FIELD_TIME: return UNPACK_TIME;
    case FIELD_INT: return UNPACK_INT;
    case FIELD_LIST: return UNPACK_ARRAY;
    case FIELD_IP_PORT: return UNPACK_STR;
    case FIELD_START: return UNPACK_TIME;
    default: return UNPACK_NONE;
    }
}

/* The value of a field that the stages fill: what they learned, which must be of the field's type,
 * or what stands for it. */
static int learned(const struct row *row, size_t field, struct slice *value)
{
    const struct field *f = &row->schema->fields[field];
    *value = row->values[field];
    if (!value->length) {
        *value = (struct slice){f->unknown, f->unknown_length};
        return 0;
    }
    struct unpack from = unpack_over(value->bytes, value->length);
    return unpack_type(&from) == type_of(f->kind) ? 0 : ERR_MALFORMED;
}

static int write_learned(struct jsonw *w, const struct row *row, size_t field, struct stamp *stamp)
{
    struct slice value;
    int error = learned(row, field, &value);
    struct unpack from = unpack_over(value.bytes, value.length);
    return error ? error : row_write_value(w, &from, stamp);
}

static uint64_t count_of(enum field_kind kind, const struct figures *f)
{
    switch (kind) {
    case FIELD_PACKETS: return f->packets[0] + f->packets[1];
    case FIELD_BYTES: return f->bytes[0] + f->bytes[1];
    case FIELD_PACKETS_FORTH: return f->packets[0];
    case FIELD_PACKETS_BACK: return f->packets[1];
    case FIELD_BYTES_FORTH: return f->bytes[0];
    case FIELD_BYTES_BACK: return f->bytes[1];
    case FIELD_SYN: return f->syn;
    case FIELD_FIN: return f->fin;
    default: return f->rst;
    }
}

static void write_figure(struct jsonw *w, enum field_kind kind, const struct figures *f,
                         struct stamp *stamp)
{
    char text[IP_PORT_TEXT];
    switch (kind) {
    case FIELD_IP_PORT:
        ip_port_text(&f->address[0], f->port[0], &f->address[1], f->port[1], text);
        jsonw_plain(w, text, strlen(text));
        break;
    case FIELD_START: write_stamp(w, stamp, f->start_ns); break;
    case FIELD_END: write_stamp(w, stamp, f->end_ns); break;
    case FIELD_RTT_MS: jsonw_double(w, (double)f->rtt_ns / 1e6); break;
    default: jsonw_uint(w, count_of(kind, f)); break;
    }
}

int row_write(const struct row *row, const struct figures *figures, struct stamp *stamp,
              struct buffer *to)
{
    struct jsonw w = jsonw_to(to);
    int error = 0;
    jsonw_open_object(&w);
    for (size_t i = 0; i < row->schema->count && !error; i++) {
        const struct field *field = &row->schema->fields[i];
        if (field->kind == FIELD_UNPRINTED)
            continue;
        jsonw_plain_name(&w, field->key, field->key_length);
        if (field->kind < FIELD_UNPRINTED)
            error = write_learned(&w, row, i, stamp);
        else
            write_figure(&w, field->kind, figures, stamp);
    }
    for (uint32_t i = 0; i < row->further_count && !error; i++) {
        const struct further *further = &row->further[i];
        struct unpack from = unpack_over(further->value.bytes, further->value.length);
        jsonw_name(&w, further->key.bytes, further->key.length);
        error = row_write_value(&w, &from, stamp);
    }
    jsonw_close_object(&w);
    return error ? error : to->failed ? -ENOMEM : 0;
}

size_t row_pairs(const struct row *row)
{
    size_t pairs = row->further_count;
    for (size_t i = 0; i < row->schema->count; i++)
        pairs += row->schema->fields[i].kind != FIELD_UNPRINTED;
    return pairs;
}

static void pack_bytes(struct buffer *to, struct slice raw)
{
    buffer_append(to, raw.bytes, raw.length);
}

static void pack_figure(struct buffer *to, enum field_kind kind, const struct figures *f)
{
    char text[IP_PORT_TEXT];
    switch (kind) {
    case FIELD_IP_PORT:
        ip_port_text(&f->address[0], f->port[0], &f->address[1], f->port[1], text);
        pack_str(to, text);
        break;
    case FIELD_START: pack_time(to, f->start_ns); break;
    case FIELD_END: pack_time(to, f->end_ns); break;
    case FIELD_RTT_MS: pack_double(to, (double)f->rtt_ns / 1e6); break;
    default: pack_uint(to, count_of(kind, f)); break;
    }
}

int row_pack(const struct row *row, const struct figures *figures, struct buffer *to)
{
    int error = 0;
    for (size_t i = 0; i < row->schema->count && !error; i++) {
        const struct field *field = &row->schema->fields[i];
        struct slice value;
        if (field->kind == FIELD_UNPRINTED)
            continue;
        msgpack_packer p = pack_to(to);
        msgpack_pack_str(&p, field->key_length);
        msgpack_pack_str_body(&p, field->key, field->key_length);
        if (figures && field->kind > FIELD_UNPRINTED) {
            pack_figure(to, field->kind, figures);
            continue;
        }
        error = learned(row, i, &value);
        if (!error)
            pack_bytes(to, value);
    }
    for (uint32_t i = 0; i < row->further_count && !error; i++) {
        pack_text(to, row->further[i].key.bytes, row->further[i].key.length);
        pack_bytes(to, row->further[i].value);
    }
    return error ? error : to->failed ? -ENOMEM : 0;
}
