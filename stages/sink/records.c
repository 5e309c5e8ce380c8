#include "stages/sink/records.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/big_endian.h"
#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/wire/pack.h"
#include "stages/sink/position.h"
#include "stages/sink/row.h"
#include "stages/sink/sorter.h"
#include "stages/sink/waiting.h"

/* What a flow laid by, by flow, kind, packet and order: its figures come before its records. */
enum { LAID_FIGURES, LAID_HTTP };
enum { LAID_KEY = 8 + 1 + 8 + 4 };

/* While an HTTP record waits, its file and the requester's side stand before what is stored. */
enum { HTTP_FILE, HTTP_SIDE, HTTP_HEAD };

struct records {
    struct records_tools tools;
    struct sorter *stored;   /* all that is complete, by its position */
    struct waiting *waiting; /* HTTP records, for the closes of their flows, */
    struct sorter *laid_by;  /* and those that find no room there: by flow, packet and order */
    bool any_laid_by;
    /* Parts, by file: what has a lower prefix was taken; and when the next one is due. */
    uint64_t taken[RECORD_FILES];
    struct horizon_times taken_until;
    size_t due;
    bool is_part;   /* is being taken, */
    bool part_gave; /* and has given something */
    struct row row;
    struct buffer value; /* of the record that is being stored, or handed out */
    bool joined;         /* what was laid by is stored */
    struct buffer key;   /* xycdn: the one that is handed out, */
    struct entry ahead;  /* and what follows it */
    bool is_ahead;
};

struct records *records_new(const struct records_tools *tools)
{
    struct records *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->tools = *tools;
    r->taken_until = (struct horizon_times){INT64_MIN, INT64_MIN};
    r->due = tools->part;
    /* All records are stored, and few are elsewhere at any time. */
    r->stored = sorter_new(tools->memory / 4 * 3, tools->directory);
    r->waiting = waiting_new(tools->memory / 8);
    r->laid_by = sorter_new(tools->memory / 8, tools->directory);
    if (!r->stored || !r->waiting || !r->laid_by)
        records_free(&r);
    return r;
}

void records_free(struct records **records)
{
    if (!*records)
        return;
    sorter_free(&(*records)->stored);
    waiting_free(&(*records)->waiting);
    sorter_free(&(*records)->laid_by);
    buffer_free(&(*records)->value);
    buffer_free(&(*records)->key);
    free(*records);
    *records = NULL;
}

/* Stores the value that was put together. */
static int store_value(struct records *r, const struct position *position)
{
    if (r->value.failed)
        return -ENOMEM;
    if (r->value.length > UINT32_MAX)
        return ERR_LIMIT;
    uint8_t key[POSITION_KEY];
    struct entry entry = {.key = key, .value = r->value.bytes};
    entry.key_length = (uint32_t)position_key(position, key);
    entry.value_length = (uint32_t)r->value.length;
    if (entry_prefix(&entry) < r->taken[position->file])
        return ERR_LATE;
    return sorter_add(r->stored, &entry);
}

/* Stores the row, and before it the view of its connection where it shows one. */
static int store(struct records *r, const struct position *position, const struct view *view)
{
    buffer_clear(&r->value);
    if (view)
        view_store(view, &r->value);
    row_store(&r->row, &r->value);
    return store_value(r, position);
}

static int lay_by(struct records *r, uint64_t flow, uint8_t what, uint64_t packet, uint32_t order,
                  struct slice bytes)
{
    uint8_t key[LAID_KEY];
    big_endian_put_64(key, flow);
    key[8] = what;
    big_endian_put_64(key + 9, packet);
    big_endian_put_32(key + 17, order);
    if (bytes.length > UINT32_MAX)
        return ERR_LIMIT;
    struct entry entry = {key, bytes.bytes, sizeof key, (uint32_t)bytes.length};
    r->any_laid_by = true;
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
    int error = store(r, &position, NULL);
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
        int error = sorter_add(r->stored, &entry);
        if (error)
            return error;
        broadcast_key(r->tools.broadcast, text);
    }
    return keys.error;
}

static const struct schema *schema_of(uint32_t record)
{
    switch (record) {
    case TAPLINE_RECORD_HTTP: return &SCHEMA_HTTP;
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

/* Listeners do not wait for the connection's end. */
static int add_http(struct records *r, uint64_t flow, const struct event_record *record)
{
    int file = http_file(&r->row);
    struct unpack requester = row_value(&r->row, "requester");
    uint64_t side = unpack_uint(&requester);
    if (requester.error || file < 0 || side >= DIRECTIONS)
        return ERR_MALFORMED;
    int error = summary_http(r->tools.summary, &r->row);
    if (error)
        return error;
    if (broadcast_wanted(r->tools.broadcast, TAP_HTTP))
        broadcast_record(r->tools.broadcast, TAP_HTTP, (enum record_file)file, &r->row, NULL);
    const uint8_t head[HTTP_HEAD] = {[HTTP_FILE] = (uint8_t)file, [HTTP_SIDE] = (uint8_t)side};
    buffer_clear(&r->value);
    buffer_append(&r->value, head, sizeof head);
    row_store(&r->row, &r->value);
    if (r->value.failed)
        return -ENOMEM;
    struct slice kept = {r->value.bytes, r->value.length};
    error = waiting_add(r->waiting, flow, record->packet, record->order, kept);
    if (error != ERR_LIMIT)
        return error;
    return lay_by(r, flow, LAID_HTTP, record->packet, record->order, kept);
}

int records_add(struct records *r, uint64_t flow, const struct event_record *record)
{
    const struct schema *schema = schema_of(record->record);
    int error = schema ? row_read(&r->row, schema, record->map) : ERR_MALFORMED;
    if (error)
        return error;
    switch (record->record) {
    case TAPLINE_RECORD_HTTP: return add_http(r, flow, record);
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

static int join_http(struct records *r, const struct figures *f, struct slice kept,
                     uint64_t packet, uint32_t order)
{
    char text[IP_PORT_TEXT];
    struct view view = view_of(f, kept.bytes[HTTP_SIDE], text);
    struct position position = {(enum record_file)kept.bytes[HTTP_FILE], f->start_ns, view.flow,
                                packet, order};
    buffer_clear(&r->value);
    view_store(&view, &r->value);
    buffer_append(&r->value, kept.bytes + HTTP_HEAD, kept.length - HTTP_HEAD);
    return store_value(r, &position);
}

/* A flow's figures while its records come by. */
struct joining {
    struct records *records;
    const struct figures *figures;
};

static int join_waiting(void *context, uint64_t flow, uint64_t packet, uint32_t order,
                        struct slice kept)
{
    const struct joining *joining = context;
    (void)flow;
    return join_http(joining->records, joining->figures, kept, packet, order);
}

static int lay_waiting_by(void *context, uint64_t flow, uint64_t packet, uint32_t order,
                          struct slice kept)
{
    return lay_by(context, flow, LAID_HTTP, packet, order, kept);
}

/* What waited for this is complete now; other records that the flow announced are of other kinds,
 * or were laid by. Where that may be, all of its meet at the end. */
static int complete_http(struct records *r, uint64_t flow, const struct event_close *close)
{
    const struct figures *f = &close->figures;
    uint64_t records = announced(close);
    if (!records)
        return 0;
    if (!r->any_laid_by || waiting_count(r->waiting, flow) == records) {
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
        error = row_read(&r->row, schema, close->notes);
    bool printed = !error && !dns_alone(&r->row, &error);
    if (!error)
        error = summary_flow(r->tools.summary, f, &r->row, printed);
    if (error || !printed)
        return error;
    char text[IP_PORT_TEXT];
    struct view view = view_of(f, FROM_INITIATOR, text);
    struct position position = {file_of(f), f->start_ns, view.flow, f->first_packet, 0};
    error = store(r, &position, &view);
    enum tap_topic topic = f->transport == TRANSPORT_TCP ? TAP_FLOW_TCP : TAP_FLOW_UDP;
    if (!error && broadcast_wanted(r->tools.broadcast, topic))
        broadcast_record(r->tools.broadcast, topic, position.file, &r->row, &view);
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
    waiting_free(&r->waiting);
    if (error)
        return error;
    while ((error = sorter_next(r->laid_by, &entry)) == 0) {
        uint64_t flow = big_endian_64(entry.key);
        if (entry.key[8] == LAID_FIGURES) {
            memcpy(&figures, entry.value, sizeof figures);
            known = flow;
            any = true;
            continue;
        }
        uint64_t packet = big_endian_64(entry.key + 9);
        uint32_t order = big_endian_32(entry.key + 17);
        if (!any || flow != known)
            return ERR_LOST;
        struct slice kept = {entry.value, entry.value_length};
        error = join_http(r, &figures, kept, packet, order);
        if (error)
            return error;
    }
    return error == ERR_EOF ? 0 : error;
}

/* The next that is stored: the one that was read ahead, where one was. */
static int next_stored(struct records *r, struct entry *entry)
{
    if (!r->is_ahead)
        return sorter_next(r->stored, entry);
    *entry = r->ahead;
    r->is_ahead = false;
    return 0;
}

/* Sightings of one key follow each other: makes one record of all that begin with this one. */
static int count_sightings(struct records *r, struct entry *record)
{
    uint64_t count = 0;
    int error;
    buffer_clear(&r->key);
    buffer_append(&r->key, record->key, record->key_length);
    *record = (struct entry){.key = r->key.bytes, .key_length = record->key_length};
    do {
        count++;
        error = r->key.failed ? -ENOMEM : sorter_next(r->stored, &r->ahead);
    } while (!error && entry_compare(record, &r->ahead) == 0);
    r->is_ahead = !error;
    buffer_clear(&r->value);
    pack_uint(&r->value, count);
    record->value = r->value.bytes;
    record->value_length = (uint32_t)r->value.length;
    return error && error != ERR_EOF ? error : r->value.failed ? -ENOMEM : 0;
}

bool records_part_due(const struct records *r, struct horizon_times until)
{
    bool later = until.flows_ns > r->taken_until.flows_ns ||
                 until.packets_ns > r->taken_until.packets_ns;
    return later && sorter_held(r->stored) >= r->due && !sorter_spilled(r->stored);
}

static bool is_taken(const void *context, uint64_t prefix)
{
    const struct records *r = context;
    return prefix < r->taken[position_prefix_file(prefix)];
}

/* Whether a file's records are placed by the time of their own packet. */
static bool is_by_packet(enum record_file file)
{
    return file == FILE_SNI || file == FILE_CERT || file == FILE_DNS;
}

void records_begin_part(struct records *r, struct horizon_times until)
{
    for (enum record_file file = 0; file < RECORD_FILES; file++) {
        bool is_http = file == FILE_SAVE_HTTP || file == FILE_TMP_HTTP;
        int64_t until_ns = is_by_packet(file) ? until.packets_ns : until.flows_ns;
        if (file != FILE_XYCDN && !(is_http && r->any_laid_by))
            r->taken[file] = position_prefix(file, until_ns);
    }
    r->taken_until = until;
    r->is_part = true;
    r->part_gave = false;
    sorter_begin_part(r->stored, is_taken, r);
}

/* What is left may stay for long: as much again has to come before it is gone through the next
 * time, so that all this takes no more than a few times as long as storing it did. Where nothing was
 * taken nothing was moved, and the next time may come sooner. */
static int next_of_part(struct records *r, struct entry *record)
{
    int error = sorter_next(r->stored, record);
    if (!error) {
        r->part_gave = true;
        return 0;
    }
    size_t left = sorter_held(r->stored), more = r->part_gave ? left : left / 8;
    r->due = left + (more > r->tools.part ? more : r->tools.part);
    r->is_part = false;
    return error;
}

int records_next(struct records *r, struct entry *record)
{
    if (r->is_part)
        return next_of_part(r, record);
    int error = r->joined ? 0 : join_all(r);
    r->joined = true;
    if (!error)
        error = next_stored(r, record);
    if (!error && position_file(record) == FILE_XYCDN)
        error = count_sightings(r, record);
    return error;
}

uint64_t records_spilled(const struct records *r)
{
    return sorter_spilled(r->stored) + sorter_spilled(r->laid_by);
}
