/*
 * An extractor with one flow in it, for tests: plays the tracker (offsets, turns, demand heard at
 * once, late or never) and keeps what comes out as text. A mark goes before every event: no record
 * that is placed by its packet's time may be older than one that came out, where the extractor did
 * not wait for it for longer than it may.
 */
#ifndef TAPLINE_TESTS_EXTRACTOR_RIG_H
#define TAPLINE_TESTS_EXTRACTOR_RIG_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/bus/watermark.h"
#include "common/wire/unpack.h"
#include "stages/extractor/extractor.h"

enum { RIG_FLOW = 7, RIG_FROM = 3, RIG_RECORDS = 4096, RIG_SECOND = 1000000000 };
enum { RIG_CLIENT = FROM_INITIATOR, RIG_SERVER = FROM_RESPONDER };

struct rig_record {
    uint32_t record;
    int64_t time_ns;
    uint64_t packet;
    uint32_t order;
    size_t at, length; /* of the map within the rig's maps */
};

struct rig {
    struct extractor *extractor;
    struct outlet outlet;
    bool deaf;     /* the tracker sends what nobody wants, too */
    unsigned late; /* events that come before a demand is heard */
    struct rig_record record[RIG_RECORDS];
    size_t records;
    struct buffer maps;
    struct buffer close;              /* the CLOSE event, packed */
    struct demand demand[DIRECTIONS]; /* the last one, and how many events ago it came */
    unsigned age[DIRECTIONS];
    uint64_t demands;
    uint64_t delivered; /* bytes */
    uint64_t offset[DIRECTIONS];
    int last;                  /* who spoke last */
    int64_t marked_ns;         /* what the latest mark said that went in, */
    int64_t kept_ns;           /* and what the latest one that came out */
    uint64_t turn[DIRECTIONS]; /* where a direction's last turn began that a segment told of */
    uint64_t packet;
    int error;
    char text[65536];
};

static inline int rig_on_event(void *context, enum tapline_role to, outlet_route *route,
                               const struct event *event)
{
    struct rig *rig = context;
    (void)route;
    if (to != TAPLINE_SINK)
        abort();
    if (event->kind == TAPLINE_CLOSE)
        event_pack(&rig->close, event, NULL);
    if (event->kind != TAPLINE_RECORD || rig->records == RIG_RECORDS)
        return 0;
    const struct event_record *r = &event->record;
    bool placed = r->record == TAPLINE_RECORD_SNI || r->record == TAPLINE_RECORD_CERT ||
                  r->record == TAPLINE_RECORD_DNS;
    int64_t late_ns = rig->kept_ns - r->time_ns;
    if (placed && late_ns > 0 && late_ns <= WATERMARK_PATIENCE_NS)
        abort();
    rig->record[rig->records++] = (struct rig_record){r->record, r->time_ns,       r->packet,
                                                      r->order,  rig->maps.length, r->map.length};
    return buffer_append(&rig->maps, r->map.bytes, r->map.length);
}

static inline int rig_on_mark(void *context, const struct mark *mark)
{
    struct rig *rig = context;
    if (mark->kept_ns < rig->kept_ns)
        abort();
    rig->kept_ns = mark->kept_ns;
    return 0;
}

static inline void rig_on_demand(void *context, uint32_t from, const struct demand *demand)
{
    struct rig *rig = context;
    if (from != RIG_FROM || demand->flow != RIG_FLOW)
        abort();
    rig->demand[demand->direction] = *demand;
    rig->age[demand->direction] = 0;
    rig->demands++;
}

/** Opens the flow, between 192.0.2.1:40000 and 198.51.100.2:80, with these hints. Once it was
 *  closed it may be opened again. */
static inline void rig_open(struct rig *rig, uint32_t hints)
{
    for (int side = 0; side < DIRECTIONS; side++) {
        rig->offset[side] = rig->turn[side] = 0;
        rig->demand[side] = (struct demand){0};
    }
    rig->last = -1;
    struct event open = {
        .kind = TAPLINE_OPEN,
        .flow = RIG_FLOW,
        .open = {.transport = TRANSPORT_TCP,
                 .address = {address_from((const uint8_t[]){192, 0, 2, 1}, 4),
                             address_from((const uint8_t[]){198, 51, 100, 2}, 4)},
                 .port = {40000, 80},
                 .hints = hints},
    };
    rig->error = extractor_event(rig->extractor, RIG_FROM, &open);
}

/** An extractor with the flow in it. */
static inline struct rig *rig_new(const struct limits *limits, uint32_t hints)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->outlet = (struct outlet){
        .context = rig, .event = rig_on_event, .demand = rig_on_demand, .mark = rig_on_mark};
    struct capture capture = {.limits = *limits};
    rig->extractor = extractor_new(&capture, &rig->outlet, &rig->error);
    rig_open(rig, hints);
    return rig;
}

static inline void rig_free(struct rig **rig)
{
    extractor_free(&(*rig)->extractor);
    buffer_free(&(*rig)->maps);
    buffer_free(&(*rig)->close);
    free(*rig);
    *rig = NULL;
}

/* What the tracker has heard by now of the demand for a direction. */
static inline struct demand rig_heard(struct rig *rig, int direction)
{
    bool heard = !rig->deaf && rig->age[direction]++ >= rig->late;
    return heard ? rig->demand[direction] : (struct demand){0};
}

static inline void rig_send(struct rig *rig, const struct event *event)
{
    int64_t now_ns = (int64_t)rig->packet * RIG_SECOND;
    rig->marked_ns = now_ns > rig->marked_ns ? now_ns : rig->marked_ns;
    const struct mark mark = {.kept_ns = rig->marked_ns};
    if (!rig->error)
        rig->error = extractor_mark(rig->extractor, RIG_FROM, &mark);
    if (!rig->error)
        rig->error = extractor_event(rig->extractor, RIG_FROM, event);
}

/** One segment, the next of its direction. The extractor gets a copy that ends where it ends. */
static inline void rig_data(struct rig *rig, int direction, const void *bytes, size_t length)
{
    uint64_t offset = rig->offset[direction];
    bool turn = rig->last != direction;
    struct demand heard = rig_heard(rig, direction);
    size_t skip = 0;
    if (turn)
        rig->turn[direction] = offset;
    rig->packet++;
    rig->offset[direction] += length;
    rig->last = direction;
    if (heard.want == TAPLINE_WANT_FROM && heard.offset > offset)
        skip = heard.offset - offset;
    if (heard.want == TAPLINE_WANT_TURN && rig->turn[direction] >= heard.offset)
        rig->demand[direction] = (struct demand){0};
    else if (heard.want == TAPLINE_WANT_TURN || heard.want == TAPLINE_WANT_NOTHING)
        return;
    if (skip >= length)
        return;
    length -= skip;
    rig->delivered += length;
    uint8_t *copy = malloc(length);
    memcpy(copy, (const uint8_t *)bytes + skip, length);
    struct event event = {
        .kind = TAPLINE_DATA,
        .flow = RIG_FLOW,
        .data = {.direction = (uint8_t)direction,
                 .flags = turn ? TAPLINE_TURN : 0,
                 .offset = offset + skip,
                 .time_ns = (int64_t)rig->packet * RIG_SECOND,
                 .packet = rig->packet,
                 .bytes = copy,
                 .length = (uint32_t)length},
    };
    rig_send(rig, &event);
    free(copy);
}

/** The same for text. */
static inline void rig_say(struct rig *rig, int direction, const char *text)
{
    rig_data(rig, direction, text, strlen(text));
}

/** Bytes that the capture lost. */
static inline void rig_gap(struct rig *rig, int direction, uint64_t length)
{
    struct demand heard = rig_heard(rig, direction);
    uint64_t offset = rig->offset[direction], end = offset + length;
    rig->offset[direction] = end;
    rig->last = direction;
    if (heard.want == TAPLINE_WANT_TURN && rig->turn[direction] >= heard.offset)
        heard = rig->demand[direction] = (struct demand){0};
    if (heard.want == TAPLINE_WANT_FROM && heard.offset > offset)
        offset = heard.offset;
    if (heard.want == TAPLINE_WANT_TURN || heard.want == TAPLINE_WANT_NOTHING || offset >= end)
        return;
    struct event event = {
        .kind = TAPLINE_GAP, .flow = RIG_FLOW, .gap = {(uint8_t)direction, offset, end - offset}};
    rig_send(rig, &event);
}

/** The flow ends; each side with a FIN or without. */
static inline void rig_close(struct rig *rig, bool client_fin, bool server_fin)
{
    struct event event = {.kind = TAPLINE_CLOSE, .flow = RIG_FLOW};
    event.close.figures.transport = TRANSPORT_TCP;
    for (int side = 0; side < DIRECTIONS; side++)
        event.close.figures.address[side] = address_from((const uint8_t[]){192, 0, 2, 1}, 4);
    event.close.figures.ended[RIG_CLIENT] = client_fin;
    event.close.figures.ended[RIG_SERVER] = server_fin;
    rig_send(rig, &event);
}

/* ---- what came out, as text ------------------------------------------------------------------ */

static inline char *rig_show_slice(char *to, struct slice s)
{
    memcpy(to, s.bytes, s.length);
    to[s.length] = '\0';
    return to + s.length;
}

static inline char *rig_show(struct unpack *u, char *to)
{
    uint32_t count;
    switch (unpack_type(u)) {
    case UNPACK_NIL: unpack_nil(u); return to + sprintf(to, "nil");
    case UNPACK_BOOL: return to + sprintf(to, unpack_bool(u) ? "yes" : "no");
    case UNPACK_INT: return to + sprintf(to, "%" PRId64, unpack_int(u));
    case UNPACK_TIME: return to + sprintf(to, "%" PRId64 "s", unpack_time(u) / RIG_SECOND);
    case UNPACK_STR: return rig_show_slice(to, unpack_str(u));
    case UNPACK_ARRAY:
        count = unpack_array(u);
        *to++ = '[';
        for (uint32_t i = 0; i < count; i++) {
            to = rig_show(u, to);
            *to++ = i + 1 < count ? ',' : ']';
        }
        if (!count)
            *to++ = ']';
        *to = '\0';
        return to;
    default: unpack_refuse(u); return to + sprintf(to, "?");
    }
}

/** The value of a map's key as text ("absent" without it), borrowed until the next call. */
static inline const char *rig_value(struct rig *rig, const uint8_t *map, size_t length,
                                    const char *key)
{
    struct unpack u = unpack_over(map, length);
    uint32_t pairs = unpack_map(&u);
    strcpy(rig->text, "absent");
    for (uint32_t i = 0; i < pairs && !u.error; i++) {
        struct slice name = unpack_str(&u);
        if (name.length == strlen(key) && memcmp(name.bytes, key, name.length) == 0)
            rig_show(&u, rig->text);
        else
            unpack_skip(&u);
    }
    return u.error ? "broken map" : rig->text;
}

/** A value of the n-th record. */
static inline const char *rig_field(struct rig *rig, size_t n, const char *key)
{
    if (n >= rig->records)
        return "no such record";
    return rig_value(rig, rig->maps.bytes + rig->record[n].at, rig->record[n].length, key);
}

/** Everything that came out, packed: two rigs that hold the same gave the same results. */
static inline void rig_result(const struct rig *rig, struct buffer *to)
{
    for (size_t i = 0; i < rig->records; i++) {
        struct rig_record r = rig->record[i];
        uint64_t head[] = {r.record, (uint64_t)r.time_ns, r.packet, r.order, r.length};
        buffer_append(to, head, sizeof head);
    }
    buffer_append(to, rig->maps.bytes, rig->maps.length);
}

#endif
