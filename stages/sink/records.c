#include "stages/sink/records.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "stages/sink/row.h"
#include "stages/sink/schema.h"
#include "stages/sink/sorter.h"
#include "stages/sink/waiting.h"

/* file, time, ip_port with its NUL, packet, order */
enum { TIME_BYTES = 7, LONGEST_KEY = 1 + TIME_BYTES + IP_PORT_TEXT + 8 + 4 };

/* What a flow laid by: its figures come before its records. */
enum { LAID_FIGURES, LAID_HTTP };
enum { LAID_KEY = 8 + 1 + 8 + 4 };

struct records {
    struct records_tools tools;
    struct sorter *lines;
    struct waiting *waiting; /* HTTP records, for the closes of their flows, */
    struct sorter *laid_by;  /* and those that find no room there: by flow, packet and order */
    struct row row;
    struct buffer text; /* of the line that is being made */
    bool joined;        /* what was laid by has become lines */
};

struct records *records_new(const struct records_tools *tools)
{
    struct records *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->tools = *tools;
    r->lines = sorter_new(tools->memory / 2, tools->directory);
    r->waiting = waiting_new(tools->memory / 4);
    r->laid_by = sorter_new(tools->memory / 4, tools->directory);
    if (!r->lines || !r->waiting || !r->laid_by)
        records_free(&r);
    return r;
}

void records_free(struct records **records)
{
    if (!*records)
        return;
    sorter_free(&(*records)->lines);
    waiting_free(&(*records)->waiting);
    sorter_free(&(*records)->laid_by);
    buffer_free(&(*records)->text);
    free(*records);
    *records = NULL;
}

static uint8_t *put_number(uint8_t *to, uint64_t value, size_t width)
{
    for (size_t i = width; i-- > 0; value >>= 8)
        to[i] = (uint8_t)value;
    return to + width;
}

static uint64_t take_number(const uint8_t **from, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | *(*from)++;
    return value;
}

/* Where a record stands among all: `ip_port` is its flow's, packet and order its own. */
struct position {
    enum record_file file;
    int64_t time_ns;
    struct slice ip_port;
    uint64_t packet;
    uint32_t order;
};

/* Any time in microseconds fits seven bytes, counted from the middle of what they hold. */
static size_t position_key(const struct position *p, uint8_t key[LONGEST_KEY])
{
    uint64_t micros = (uint64_t)stamp_micros(p->time_ns) + (UINT64_C(1) << (8 * TIME_BYTES - 1));
    uint8_t *at = key;
    *at++ = (uint8_t)p->file;
    at = put_number(at, micros, TIME_BYTES);
    memcpy(at, p->ip_port.bytes, p->ip_port.length);
    at += p->ip_port.length;
    *at++ = '\0';
    at = put_number(at, p->packet, 8);
    return (size_t)(put_number(at, p->order, 4) - key);
}

/* Makes the row a line. */
static int add_line(struct records *r, const struct position *position,
                    const struct figures *figures)
{
    buffer_clear(&r->text);
    int error = row_write(&r->row, figures, r->tools.stamp, &r->text);
    if (error)
        return error;
    uint8_t key[LONGEST_KEY];
    struct entry entry = {.key = key, .value = r->text.bytes};
    entry.key_length = (uint32_t)position_key(position, key);
    if (r->text.length > UINT32_MAX)
        return ERR_LIMIT;
    entry.value_length = (uint32_t)r->text.length;
    return sorter_add(r->lines, &entry);
}

static struct slice ip_port_of(const struct figures *f, char text[IP_PORT_TEXT])
{
    ip_port_text(&f->address[0], f->port[0], &f->address[1], f->port[1], text);
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

static int lay_by(struct records *r, uint64_t flow, uint8_t what, uint64_t packet, uint32_t order,
                  struct slice bytes)
{
    uint8_t key[LAID_KEY], *at = put_number(key, flow, 8);
    *at++ = what;
    at = put_number(at, packet, 8);
    put_number(at, order, 4);
    if (bytes.length > UINT32_MAX)
        return ERR_LIMIT;
    struct entry entry = {key, bytes.bytes, sizeof key, (uint32_t)bytes.length};
    return sorter_add(r->laid_by, &entry);
}

static bool dns_alone(const struct row *row, int *error)
{
    struct unpack value = row_value(row, "dns_only");
    bool alone = unpack_type(&value) != UNPACK_NONE && unpack_bool(&value);
    *error = value.error;
    return alone;
}

/* Records that were sent ahead of the close. */
static uint64_t announced(const struct event_close *close)
{
    uint64_t records = 0;
    for (uint32_t i = 0; i < close->trail_count; i++)
        records += close->trail[i].records;
    return records;
}

static enum record_file file_of(const struct figures *f)
{
    if (f->transport == TRANSPORT_UDP)
        return FILE_UDP_CON;
    return f->syn && (f->fin || f->rst) ? FILE_SAVE_CON : FILE_TMP_CON;
}

/* A record that waits for nothing. */
static int add_ready(struct records *r, enum record_file file, enum tap_topic topic,
                     const struct event_record *record)
{
    struct unpack value = row_value(&r->row, "ip_port");
    struct slice ip_port = unpack_str(&value);
    if (value.error || ip_port.length >= IP_PORT_TEXT || memchr(ip_port.bytes, 0, ip_port.length))
        return ERR_MALFORMED;
    struct position position = {file, record->time_ns, ip_port, record->packet, record->order};
    int error = add_line(r, &position, NULL);
    if (!error && broadcast_wanted(r->tools.broadcast, topic))
        broadcast_record(r->tools.broadcast, topic, file, &r->row, NULL);
    return error;
}

static int keep_chain(struct records *r)
{
    struct unpack chain = row_value(&r->row, "chain");
    uint32_t count = unpack_array(&chain);
    for (uint32_t i = 0; i < count && !chain.error; i++) {
        struct slice der = unpack_bin(&chain);
        int error = chain.error ? 0 : certs_keep(r->tools.certs, der);
        if (error)
            return error;
    }
    return chain.error;
}

static int add_keys(struct records *r)
{
    struct unpack keys = row_value(&r->row, "keys");
    uint32_t count = unpack_array(&keys);
    for (uint32_t i = 0; i < count && !keys.error; i++) {
        uint8_t key[1 + UINT8_MAX] = {FILE_XYCDN};
        struct slice text = unpack_str(&keys);
        if (keys.error || text.length > UINT8_MAX)
            return ERR_MALFORMED;
        if (text.length)
            memcpy(key + 1, text.bytes, text.length);
        struct entry entry = {.key = key, .key_length = (uint32_t)text.length + 1};
        int error = sorter_add(r->lines, &entry);
        if (error)
            return error;
        broadcast_key(r->tools.broadcast, text);
    }
    return keys.error;
}

static const struct schema *schema_of(uint32_t record)
{
    switch (record) {
    case TAPLINE_RECORD_SNI: return &SCHEMA_SNI;
    case TAPLINE_RECORD_CERT: return &SCHEMA_CERT;
    case TAPLINE_RECORD_DNS: return &SCHEMA_DNS;
    case TAPLINE_RECORD_XYCDN: return &SCHEMA_XYCDN;
    default: return NULL;
    }
}

/* Which of the two files an HTTP record belongs to, or an error. */
static int http_file(const struct row *row)
{
    struct unpack complete = row_value(row, "complete");
    bool whole = unpack_bool(&complete);
    return complete.error ? complete.error : whole ? FILE_SAVE_HTTP : FILE_TMP_HTTP;
}

/* Listeners do not wait for the connection's end. What is wrong with a record shows there. */
static int add_http(struct records *r, uint64_t flow, const struct event_record *record)
{
    if (broadcast_wanted(r->tools.broadcast, TAP_HTTP) &&
        row_read(&r->row, &SCHEMA_HTTP, record->map, 1) == 0) {
        int file = http_file(&r->row);
        if (file >= 0)
            broadcast_record(r->tools.broadcast, TAP_HTTP, (enum record_file)file, &r->row, NULL);
    }
    int error = waiting_add(r->waiting, flow, record->packet, record->order, record->map);
    if (error != ERR_LIMIT)
        return error;
    return lay_by(r, flow, LAID_HTTP, record->packet, record->order, record->map);
}

int records_add(struct records *r, uint64_t flow, const struct event_record *record)
{
    if (record->record == TAPLINE_RECORD_HTTP)
        return add_http(r, flow, record);
    const struct schema *schema = schema_of(record->record);
    int error = schema ? row_read(&r->row, schema, record->map, 1) : ERR_MALFORMED;
    if (error)
        return error;
    switch (record->record) {
    case TAPLINE_RECORD_SNI:
        error = summary_sni(r->tools.summary, &r->row);
        return error ? error : add_ready(r, FILE_SNI, TAP_TLS_SNI, record);
    case TAPLINE_RECORD_CERT:
        error = keep_chain(r);
        return error ? error : add_ready(r, FILE_CERT, TAP_TLS_CERT, record);
    case TAPLINE_RECORD_DNS: return add_ready(r, FILE_DNS, TAP_DNS, record);
    default: return add_keys(r);
    }
}

/* The flow as its requester sees it. */
static struct figures seen_from(const struct figures *f, bool responder)
{
    struct figures turned = *f;
    for (int side = 0; responder && side < DIRECTIONS; side++) {
        turned.address[side] = f->address[!side];
        turned.port[side] = f->port[!side];
        turned.packets[side] = f->packets[!side];
        turned.bytes[side] = f->bytes[!side];
    }
    return turned;
}

static int join_http(struct records *r, const struct figures *f, struct slice map, uint64_t packet,
                     uint32_t order)
{
    int error = row_read(&r->row, &SCHEMA_HTTP, map, 1);
    if (error)
        return error;
    struct unpack requester = row_value(&r->row, "requester");
    int file = http_file(&r->row);
    uint64_t side = unpack_uint(&requester);
    if (requester.error || file < 0 || side >= DIRECTIONS)
        return ERR_MALFORMED;
    error = summary_http(r->tools.summary, &r->row);
    if (error)
        return error;
    char text[IP_PORT_TEXT];
    struct figures turned = seen_from(f, side == FROM_RESPONDER);
    struct position position = {(enum record_file)file, f->start_ns, ip_port_of(f, text), packet,
                                order};
    return add_line(r, &position, &turned);
}

/* A flow's figures while its records come by. */
struct joining {
    struct records *records;
    const struct figures *figures;
};

static int join_waiting(void *context, uint64_t flow, uint64_t packet, uint32_t order,
                        struct slice map)
{
    const struct joining *joining = context;
    (void)flow;
    return join_http(joining->records, joining->figures, map, packet, order);
}

static int lay_waiting_by(void *context, uint64_t flow, uint64_t packet, uint32_t order,
                          struct slice map)
{
    return lay_by(context, flow, LAID_HTTP, packet, order, map);
}

/* Where all that the flow announced has waited for this, its records are complete now. Otherwise
 * some are elsewhere: of another kind, laid by, or still to come. They meet at the end. */
static int complete_http(struct records *r, uint64_t flow, const struct event_close *close)
{
    const struct figures *f = &close->figures;
    uint64_t records = announced(close);
    if (!records)
        return 0;
    if (waiting_count(r->waiting, flow) == records) {
        struct joining joining = {r, f};
        return waiting_release(r->waiting, flow, join_waiting, &joining);
    }
    int error = lay_by(r, flow, LAID_FIGURES, 0, 0, (struct slice){(const uint8_t *)f, sizeof *f});
    return error ? error : waiting_release(r->waiting, flow, lay_waiting_by, r);
}

int records_close(struct records *r, uint64_t flow, const struct event_close *close)
{
    const struct figures *f = &close->figures;
    const struct schema *schema = f->transport == TRANSPORT_TCP ? &SCHEMA_TCP : &SCHEMA_UDP;
    int error = complete_http(r, flow, close);
    if (!error)
        error = row_read(&r->row, schema, close->notes, close->notes_count);
    bool printed = !error && !dns_alone(&r->row, &error);
    if (!error)
        error = summary_flow(r->tools.summary, f, &r->row, printed);
    if (error || !printed)
        return error;
    char text[IP_PORT_TEXT];
    struct position position = {file_of(f), f->start_ns, ip_port_of(f, text), f->first_packet, 0};
    error = add_line(r, &position, f);
    enum tap_topic topic = f->transport == TRANSPORT_TCP ? TAP_FLOW_TCP : TAP_FLOW_UDP;
    if (!error && broadcast_wanted(r->tools.broadcast, topic))
        broadcast_record(r->tools.broadcast, topic, position.file, &r->row, f);
    return error;
}

/* Reads on through what was laid by: figures of a flow, then its records. */
static int join_all(struct records *r)
{
    uint64_t known = 0;
    bool any = false;
    struct figures figures;
    struct entry entry;
    int error = waiting_release_all(r->waiting, lay_waiting_by, r);
    if (error)
        return error;
    while ((error = sorter_next(r->laid_by, &entry)) == 0) {
        const uint8_t *key = entry.key;
        uint64_t flow = take_number(&key, 8);
        if (*key++ == LAID_FIGURES) {
            memcpy(&figures, entry.value, sizeof figures);
            known = flow;
            any = true;
            continue;
        }
        uint64_t packet = take_number(&key, 8);
        uint32_t order = (uint32_t)take_number(&key, 4);
        if (!any || flow != known)
            return ERR_LOST;
        struct slice map = {entry.value, entry.value_length};
        error = join_http(r, &figures, map, packet, order);
        if (error)
            return error;
    }
    return error == ERR_EOF ? 0 : error;
}

int records_next(struct records *r, struct line *line)
{
    int error = r->joined ? 0 : join_all(r);
    r->joined = true;
    struct entry entry;
    if (!error)
        error = sorter_next(r->lines, &entry);
    if (error)
        return error;
    line->file = (enum record_file)entry.key[0];
    bool counted = line->file == FILE_XYCDN;
    line->text = counted ? entry.key + 1 : entry.value;
    line->length = counted ? entry.key_length - 1 : entry.value_length;
    return 0;
}

uint64_t records_spilled(const struct records *r)
{
    return sorter_spilled(r->lines) + sorter_spilled(r->laid_by);
}
