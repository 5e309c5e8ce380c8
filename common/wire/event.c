#include "common/wire/event.h"

#include "common/base/error.h"
#include "common/wire/pack.h"

/* Fields of each event, its kind and flow included. */
enum { OPEN_FIELDS = 9, DATA_FIELDS = 9, GAP_FIELDS = 5, CLOSE_FIELDS = 6, RECORD_FIELDS = 7 };
enum { FIGURES_FIELDS = 18, TRAIL_FIELDS = 4, DEMAND_FIELDS = 4 };

/* An event has no more room than so many numbers take, beside its bytes: that of a CLOSE, with the
 * heads of its arrays, where an address takes as much as two. */
enum { MOST_NUMBERS = CLOSE_FIELDS + FIGURES_FIELDS + DIRECTIONS + MAX_TRAIL * (1 + TRAIL_FIELDS) };

/* The form that nearly every DATA event is packed in: msgpack lets a number be longer than it needs
 * to, and so each of these has its place, where it is written and read without a look at the
 * others. */
enum {
    FLOW_AT = 2,       /* a tag, and 64 bits */
    DIRECTION_AT = 11, /* its own tag */
    OFFSET_AT = 12,    /* a tag, and 32 bits */
    TIME_AT = 17,      /* a tag, and 64 bits */
    PACKET_AT = 26,    /* a tag, and 32 bits */
    FLAGS_AT = 31,     /* its own tag */
    MISSING_AT = 32,   /* a tag, and 16 bits */
    BYTES_AT = 35,     /* a tag, and 16 bits of length; or a place */
    PLAIN_HEAD = 38,
    PLAIN_PLACED = BYTES_AT + PLACE_SIZE,
};

static bool is_plain(const struct event_data *data)
{
    return (data->offset | data->packet) <= UINT32_MAX && data->time_ns >= 0 &&
           data->flags < PACK_TAGS && (data->missing | data->length) <= UINT16_MAX;
}

static void put_plain_numbers(uint8_t *at, uint64_t flow, const struct event_data *data)
{
    at[0] = PACK_FIXARRAY | DATA_FIELDS;
    at[1] = TAPLINE_DATA;
    at[FLOW_AT] = PACK_UINT_64;
    big_endian_put_64(at + FLOW_AT + 1, flow);
    at[DIRECTION_AT] = data->direction;
    at[OFFSET_AT] = PACK_UINT_32;
    big_endian_put_32(at + OFFSET_AT + 1, (uint32_t)data->offset);
    at[TIME_AT] = PACK_UINT_64;
    big_endian_put_64(at + TIME_AT + 1, (uint64_t)data->time_ns);
    at[PACKET_AT] = PACK_UINT_32;
    big_endian_put_32(at + PACKET_AT + 1, (uint32_t)data->packet);
    at[FLAGS_AT] = (uint8_t)data->flags;
    at[MISSING_AT] = PACK_UINT_16;
    big_endian_put_16(at + MISSING_AT + 1, (uint16_t)data->missing);
}

static uint8_t *put_plain_head(uint8_t *at, uint64_t flow, const struct event_data *data)
{
    put_plain_numbers(at, flow, data);
    at[BYTES_AT] = PACK_BIN_16;
    big_endian_put_16(at + BYTES_AT + 1, (uint16_t)data->length);
    return at + PLAIN_HEAD;
}

static uint8_t *put_numbers(uint8_t *at, uint64_t flow, const struct event_data *data)
{
    *at++ = PACK_FIXARRAY | DATA_FIELDS;
    *at++ = TAPLINE_DATA;
    at = pack_put_uint(at, flow);
    *at++ = data->direction;
    at = pack_put_uint(at, data->offset);
    at = pack_put_int(at, data->time_ns);
    at = pack_put_uint(at, data->packet);
    at = pack_put_uint(at, data->flags);
    return pack_put_uint(at, data->missing);
}

static uint8_t *put_head(uint8_t *at, uint64_t flow, const struct event_data *data)
{
    return pack_put_bin_head(put_numbers(at, flow, data), data->length);
}

static uint8_t *put_placed(uint8_t *at, uint64_t flow, const struct event_data *data,
                           struct places *places)
{
    if (is_plain(data)) {
        put_plain_numbers(at, flow, data);
        at += BYTES_AT;
    } else {
        at = put_numbers(at, flow, data);
    }
    return places_put(at, places, data->bytes, data->length);
}

/* Most events are of this kind: room for all of it is asked for once. */
static void pack_data(struct buffer *to, uint64_t flow, const struct event_data *data,
                      struct places *places)
{
    bool placed = places_lead_to(places, data->bytes, data->length);
    size_t room = DATA_FIELDS * PACK_LONGEST_NUMBER + PLACE_SIZE + (placed ? 0 : data->length);
    uint8_t *at = buffer_reserve(to, room);
    if (!at)
        return;
    if (placed) {
        to->length = (size_t)(put_placed(at, flow, data, places) - to->bytes);
        return;
    }
    at = is_plain(data) ? put_plain_head(at, flow, data) : put_head(at, flow, data);
    if (data->length) /* what is empty may be NULL */
        memcpy(at, data->bytes, data->length);
    to->length = (size_t)(at - to->bytes) + data->length;
}

static uint8_t *put_ends(uint8_t *at, const struct address *address, const uint16_t *port)
{
    for (int side = 0; side < DIRECTIONS; side++) {
        at = pack_put_bin_head(at, address[side].length);
        memcpy(at, address[side].bytes, sizeof address[side].bytes);
        at = pack_put_uint(at + address[side].length, port[side]);
    }
    return at;
}

static uint8_t *put_open(uint8_t *at, const struct event_open *open)
{
    *at++ = open->transport;
    at = put_ends(at, open->address, open->port);
    at = pack_put_int(at, open->time_ns);
    return pack_put_uint(at, open->hints);
}

static uint8_t *put_gap(uint8_t *at, const struct event_gap *gap)
{
    *at++ = gap->direction;
    at = pack_put_uint(at, gap->offset);
    return pack_put_uint(at, gap->length);
}

static uint8_t *put_figures(uint8_t *at, const struct figures *f)
{
    *at++ = PACK_ARRAY_16;
    big_endian_put_16(at, FIGURES_FIELDS);
    at[2] = f->transport;
    at = put_ends(at + 3, f->address, f->port);
    at = pack_put_int(at, f->start_ns);
    at = pack_put_int(at, f->end_ns);
    at = pack_put_uint(at, f->first_packet);
    for (int side = 0; side < DIRECTIONS; side++) {
        at = pack_put_uint(at, f->packets[side]);
        at = pack_put_uint(at, f->bytes[side]);
        *at++ = f->ended[side] ? PACK_TRUE : PACK_FALSE;
    }
    at = pack_put_uint(at, f->syn);
    at = pack_put_uint(at, f->fin);
    at = pack_put_uint(at, f->rst);
    return pack_put_int(at, f->rtt_ns);
}

static uint8_t *put_close(uint8_t *at, const struct event_close *close)
{
    at = put_figures(at, &close->figures);
    *at++ = (uint8_t)(PACK_FIXARRAY | close->trail_count);
    for (uint32_t i = 0; i < close->trail_count; i++) {
        *at++ = PACK_FIXARRAY | TRAIL_FIELDS;
        at = pack_put_uint(at, close->trail[i].role);
        at = pack_put_uint(at, close->trail[i].received);
        at = pack_put_uint(at, close->trail[i].sent);
        at = pack_put_uint(at, close->trail[i].records);
    }
    return at;
}

static uint8_t *put_record(uint8_t *at, const struct event_record *record)
{
    at = pack_put_uint(at, record->record);
    at = pack_put_int(at, record->time_ns);
    at = pack_put_uint(at, record->packet);
    return pack_put_uint(at, record->order);
}

static uint8_t *put_bytes(uint8_t *at, struct slice bytes)
{
    at = pack_put_bin_head(at, (uint32_t)bytes.length);
    if (bytes.length) /* what is empty may be NULL */
        memcpy(at, bytes.bytes, bytes.length);
    return at + bytes.length;
}

void event_pack(struct buffer *to, const struct event *event, struct places *places)
{
    static const uint8_t fields[] = {[TAPLINE_OPEN] = OPEN_FIELDS,
                                     [TAPLINE_GAP] = GAP_FIELDS,
                                     [TAPLINE_CLOSE] = CLOSE_FIELDS,
                                     [TAPLINE_RECORD] = RECORD_FIELDS};
    if (event->kind == TAPLINE_DATA) {
        pack_data(to, event->flow, &event->data, places);
        return;
    }
    size_t more = event->kind == TAPLINE_CLOSE    ? event->close.notes.length
                  : event->kind == TAPLINE_RECORD ? event->record.map.length
                                                  : 0;
    uint8_t *at = buffer_reserve(to, MOST_NUMBERS * PACK_LONGEST_NUMBER + more);
    if (!at)
        return;
    *at++ = PACK_FIXARRAY | fields[event->kind];
    *at++ = (uint8_t)event->kind;
    at = pack_put_uint(at, event->flow);
    switch (event->kind) {
    case TAPLINE_OPEN: at = put_open(at, &event->open); break;
    case TAPLINE_GAP: at = put_gap(at, &event->gap); break;
    case TAPLINE_CLOSE:
        at = put_bytes(put_close(at, &event->close), event->close.notes);
        at = pack_put_uint(at, event->close.period);
        break;
    case TAPLINE_RECORD: at = put_bytes(put_record(at, &event->record), event->record.map); break;
    }
    to->length = (size_t)(at - to->bytes);
}

/* A number that has to fit below `limit`. */
static uint64_t bounded(struct unpack *from, uint64_t limit)
{
    uint64_t value = unpack_uint(from);
    if (value > limit)
        unpack_refuse(from);
    return value;
}

static uint8_t transport(struct unpack *from)
{
    uint64_t value = bounded(from, UINT8_MAX);
    if (!from->error && value != TRANSPORT_TCP && value != TRANSPORT_UDP)
        unpack_refuse(from);
    return (uint8_t)value;
}

static void ends(struct unpack *from, struct address *address, uint16_t *port)
{
    for (int side = 0; side < DIRECTIONS; side++) {
        struct slice bytes = unpack_bin(from);
        if (bytes.length == 4 || bytes.length == 16)
            address[side] = address_from(bytes.bytes, bytes.length);
        else
            unpack_refuse(from);
        port[side] = (uint16_t)bounded(from, UINT16_MAX);
    }
}

static void unpack_open(struct unpack *from, struct event_open *open)
{
    open->transport = transport(from);
    ends(from, open->address, open->port);
    open->time_ns = unpack_int(from);
    open->hints = (uint32_t)bounded(from, UINT32_MAX);
}

static void unpack_data(struct unpack *from, struct places *places, struct event_data *data)
{
    data->direction = (uint8_t)bounded(from, 1);
    data->offset = unpack_uint(from);
    data->time_ns = unpack_int(from);
    data->packet = unpack_uint(from);
    data->flags = (uint32_t)bounded(from, UINT32_MAX);
    data->missing = (uint32_t)bounded(from, UINT32_MAX);
    struct slice bytes = places_unpack(from, places);
    data->bytes = bytes.bytes;
    data->length = (uint32_t)bytes.length;
}

static void unpack_figures(struct unpack *from, struct figures *f)
{
    uint32_t fields = unpack_array_of(from, FIGURES_FIELDS);
    f->transport = transport(from);
    ends(from, f->address, f->port);
    f->start_ns = unpack_int(from);
    f->end_ns = unpack_int(from);
    f->first_packet = unpack_uint(from);
    for (int side = 0; side < DIRECTIONS; side++) {
        f->packets[side] = unpack_uint(from);
        f->bytes[side] = unpack_uint(from);
        f->ended[side] = unpack_bool(from);
    }
    f->syn = unpack_uint(from);
    f->fin = unpack_uint(from);
    f->rst = unpack_uint(from);
    f->rtt_ns = unpack_int(from);
    if (!from->error)
        unpack_skip_many(from, fields - FIGURES_FIELDS);
}

static void unpack_close(struct unpack *from, struct event_close *close)
{
    unpack_figures(from, &close->figures);
    close->trail_count = unpack_array(from);
    if (close->trail_count > MAX_TRAIL)
        unpack_refuse(from);
    for (uint32_t i = 0; i < close->trail_count && !from->error; i++) {
        uint32_t fields = unpack_array_of(from, TRAIL_FIELDS);
        close->trail[i].role = (uint8_t)bounded(from, UINT8_MAX);
        close->trail[i].received = unpack_uint(from);
        close->trail[i].sent = unpack_uint(from);
        close->trail[i].records = unpack_uint(from);
        if (!from->error)
            unpack_skip_many(from, fields - TRAIL_FIELDS);
    }
    close->notes = unpack_bin(from);
    close->period = unpack_uint(from);
}

static void unpack_record(struct unpack *from, struct event_record *record)
{
    record->record = (uint32_t)bounded(from, UINT32_MAX);
    record->time_ns = unpack_int(from);
    record->packet = unpack_uint(from);
    record->order = (uint32_t)bounded(from, UINT32_MAX);
    record->map = unpack_bin(from);
}

/* False, with nothing read: what comes next is no DATA event, or one in another form. */
static bool unpack_plain_data(struct unpack *from, struct places *places, struct event *event)
{
    const uint8_t *at = from->at, *bytes = at + PLAIN_HEAD;
    uint32_t length;
    size_t left = (size_t)(from->end - at);
    if (left < PLAIN_HEAD || at[0] != (PACK_FIXARRAY | DATA_FIELDS) || at[1] != TAPLINE_DATA ||
        at[FLOW_AT] != PACK_UINT_64 || at[DIRECTION_AT] > 1 || at[OFFSET_AT] != PACK_UINT_32 ||
        at[TIME_AT] != PACK_UINT_64 || at[PACKET_AT] != PACK_UINT_32 || at[FLAGS_AT] >= PACK_TAGS ||
        at[MISSING_AT] != PACK_UINT_16)
        return false;
    bool placed = left >= PLAIN_PLACED && places_get(at + BYTES_AT, places, &bytes, &length);
    if (!placed && at[BYTES_AT] != PACK_BIN_16)
        return false;
    if (!placed)
        length = big_endian_16(at + BYTES_AT + 1);
    event->kind = TAPLINE_DATA;
    event->flow = big_endian_64(at + FLOW_AT + 1);
    event->data = (struct event_data){
        .direction = at[DIRECTION_AT],
        .flags = at[FLAGS_AT],
        .offset = big_endian_32(at + OFFSET_AT + 1),
        .time_ns = (int64_t)big_endian_64(at + TIME_AT + 1),
        .packet = big_endian_32(at + PACKET_AT + 1),
        .missing = big_endian_16(at + MISSING_AT + 1),
        .bytes = bytes,
        .length = length,
    };
    if (event->data.time_ns < 0 || (!placed && left - PLAIN_HEAD < length))
        return false;
    from->at = placed ? at + PLAIN_PLACED : bytes + length;
    return true;
}

int event_unpack(struct unpack *from, struct places *places, struct event *event)
{
    if (unpack_plain_data(from, places, event))
        return 0;
    uint32_t fields = unpack_array_of(from, 2), known = 0;
    event->kind = (uint32_t)bounded(from, TAPLINE_RECORD);
    event->flow = unpack_uint(from);
    switch (event->kind) {
    case TAPLINE_OPEN:
        known = OPEN_FIELDS;
        unpack_open(from, &event->open);
        break;
    case TAPLINE_DATA:
        known = DATA_FIELDS;
        unpack_data(from, places, &event->data);
        break;
    case TAPLINE_GAP:
        known = GAP_FIELDS;
        event->gap.direction = (uint8_t)bounded(from, 1);
        event->gap.offset = unpack_uint(from);
        event->gap.length = unpack_uint(from);
        break;
    case TAPLINE_CLOSE:
        known = CLOSE_FIELDS;
        unpack_close(from, &event->close);
        break;
    case TAPLINE_RECORD:
        known = RECORD_FIELDS;
        unpack_record(from, &event->record);
        break;
    }
    if (!from->error && fields < known)
        unpack_refuse(from);
    if (!from->error)
        unpack_skip_many(from, fields - known);
    return from->error;
}

void demand_pack(struct buffer *to, const struct demand *demand)
{
    pack_array(to, DEMAND_FIELDS);
    pack_uint(to, demand->flow);
    pack_uint(to, demand->direction);
    pack_uint(to, demand->want);
    pack_uint(to, demand->offset);
}

int demand_unpack(struct unpack *from, struct demand *demand)
{
    uint32_t fields = unpack_array_of(from, DEMAND_FIELDS);
    demand->flow = unpack_uint(from);
    demand->direction = (uint8_t)bounded(from, 1);
    demand->want = (uint32_t)bounded(from, TAPLINE_WANT_NOTHING);
    demand->offset = unpack_uint(from);
    if (!from->error)
        unpack_skip_many(from, fields - DEMAND_FIELDS);
    return from->error;
}
