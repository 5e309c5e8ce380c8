/*
 * What the sink's tests share: a capture, events as the stages send them, and an outlet that
 * keeps what the reader is told.
 */
#ifndef TAPLINE_TESTS_SINK_ATTEMPT_H
#define TAPLINE_TESTS_SINK_ATTEMPT_H

#include <arpa/inet.h>

#include "common/wire/pack.h"
#include "stages/sink/sink.h"
#include "tests/unit/sink/check.h"

/** The time that all tests count from: 2023-07-14 15:02:14.000123 UTC. */
#define MOMENT INT64_C(1689346934000123000)
#define MS INT64_C(1000000)

/** What the reader was told last, and how often at all. */
struct told {
    enum tapline_kind kind;
    int messages;
    uint64_t status;
    char text[2048];
    struct buffer map;
};

static inline int told_keep(void *context, enum tapline_kind kind, const struct buffer *body)
{
    struct told *told = context;
    struct unpack from = unpack_over(body->bytes, body->length);
    told->kind = kind;
    told->messages++;
    if (unpack_array(&from) == 0)
        return from.error;
    told->status = unpack_uint(&from);
    struct slice text = unpack_str(&from);
    snprintf(told->text, sizeof told->text, "%.*s", (int)text.length, (const char *)text.bytes);
    buffer_clear(&told->map);
    if (kind == TAPLINE_OUTCOME) {
        struct slice map = unpack_raw(&from);
        buffer_append(&told->map, map.bytes, map.length);
    }
    assert_int_equal(from.error, 0);
    return 0;
}

/** An outlet that tells `told`; the sink uses nothing else of it. */
static inline struct outlet told_outlet(struct told *told)
{
    return (struct outlet){.context = told, .tell = told_keep};
}

static inline struct slice slice_of(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

/** A capture of one tracker in UTC, whose results go to `out`. */
static inline struct capture capture_to(const char *out)
{
    static const uint8_t one_tracker[] = {0x91, 0x07};
    static const uint8_t no_sources[] = {0x90};
    return (struct capture){
        .id = 5,
        .attempt = 1,
        .out = slice_of(out),
        .zone = slice_of("UTC"),
        .sources = {no_sources, sizeof no_sources},
        .request = slice_of("{\"profile\": \"any\"}"),
        .trackers = {one_tracker, sizeof one_tracker},
        .limits = LIMITS_DEFAULT,
    };
}

static inline struct address address_of(const char *text)
{
    uint8_t bytes[16];
    bool v6 = strchr(text, ':') != NULL;
    assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes), 1);
    return address_from(bytes, v6 ? 16 : 4);
}

/** A flow of ten packets that passed the tracker alone. */
static inline struct event flow_closed(uint64_t flow, uint8_t transport, const char *from,
                                       uint16_t sport, const char *to, uint16_t dport)
{
    struct event event = {.kind = TAPLINE_CLOSE, .flow = flow};
    event.close.figures = (struct figures){
        .transport = transport,
        .address = {address_of(from), address_of(to)},
        .port = {sport, dport},
        .start_ns = MOMENT,
        .end_ns = MOMENT + 90 * MS,
        .first_packet = flow + 1,
        .packets = {6, 4},
        .bytes = {68, 77},
    };
    event.close.trail[0] = (struct trail){.role = TAPLINE_TRACKER};
    event.close.trail_count = 1;
    return event;
}

/** Adds the extractor to the flow's trail, which sent so many records ahead. */
static inline void flow_extracted(struct event *event, uint64_t records)
{
    event->close.trail[0].sent = 3;
    event->close.trail[1] = (struct trail){.role = TAPLINE_CLASSIFIER, .received = 3, .sent = 2};
    event->close.trail[2] =
        (struct trail){.role = TAPLINE_EXTRACTOR, .received = 2, .records = records};
    event->close.trail_count = 3;
}

/** Packs a list of texts, NULL at its end, as pairs of a map. */
static inline void pack_texts(struct buffer *to, const char *const *texts)
{
    size_t count = 0;
    while (texts[count])
        count++;
    pack_map(to, count / 2);
    for (size_t i = 0; i < count; i++)
        pack_str(to, texts[i]);
}

static inline void pack_pair(struct buffer *to, const char *key, const char *value)
{
    pack_str(to, key);
    pack_str(to, value);
}

static inline struct slice whole(const struct buffer *b)
{
    return (struct slice){b->bytes, b->length};
}

/** A record that came ahead of its flow's close. */
static inline struct event record_of(uint64_t flow, enum tapline_record_kind record,
                                     int64_t time_ns, uint64_t packet, const struct buffer *map)
{
    struct event event = {.kind = TAPLINE_RECORD, .flow = flow};
    event.record = (struct event_record){
        .record = record, .time_ns = time_ns, .packet = packet, .map = whole(map)};
    return event;
}

static inline int sink_tally(struct sink *sink, const struct buffer *map)
{
    struct unpack body = unpack_over(map->bytes, map->length);
    return sink_message(sink, TAPLINE_TALLY, &body, 0);
}

/** The reader sent the one tracker so many packets. */
static inline int reader_tallies(struct sink *sink, uint64_t packets, const char *cut)
{
    struct buffer map = {0};
    pack_map(&map, 5);
    pack_str(&map, "role");
    pack_uint(&map, TAPLINE_READER);
    pack_str(&map, "frames");
    pack_uint(&map, packets);
    pack_str(&map, "trackers");
    pack_array(&map, 1);
    pack_uint(&map, packets);
    pack_str(&map, "cut");
    if (cut)
        pack_str(&map, cut);
    else
        pack_nil(&map);
    pack_str(&map, "counters");
    pack_map(&map, 0);
    int error = sink_tally(sink, &map);
    buffer_free(&map);
    return error;
}

/** The one tracker got so many packets, all of them TCP, and closed so many flows. */
static inline int tracker_tallies(struct sink *sink, uint64_t packets, uint64_t flows)
{
    struct buffer map = {0};
    pack_map(&map, 6);
    pack_str(&map, "role");
    pack_uint(&map, TAPLINE_TRACKER);
    pack_str(&map, "index");
    pack_uint(&map, 0);
    pack_str(&map, "frames");
    pack_uint(&map, packets);
    pack_str(&map, "flows");
    pack_uint(&map, flows);
    pack_str(&map, "totals");
    pack_map(&map, 2);
    pack_str(&map, "packets_count");
    pack_uint(&map, packets);
    pack_str(&map, "tcp_packets");
    pack_uint(&map, packets);
    pack_str(&map, "counters");
    pack_map(&map, 1);
    pack_str(&map, "reorder_full");
    pack_uint(&map, 2);
    int error = sink_tally(sink, &map);
    buffer_free(&map);
    return error;
}

static inline int reader_gives(struct sink *sink, bool word)
{
    struct buffer body = {0};
    pack_array(&body, 1);
    pack_bool(&body, word);
    struct unpack from = unpack_over(body.bytes, body.length);
    int error = sink_message(sink, TAPLINE_WORD, &from, 0);
    buffer_free(&body);
    return error;
}

/** What a file of a directory holds, with a NUL behind it; NULL: it is not there. Freed by the
 *  caller. */
static inline char *content_of(const char *directory, const char *name)
{
    char path[SCRATCH_PATH + 128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    struct buffer text = {0};
    size_t got;
    while ((got = fread(buffer_reserve(&text, 4096), 1, 4096, file)) > 0)
        text.length += got;
    fclose(file);
    buffer_append(&text, "", 1);
    return (char *)text.bytes;
}

static inline void holds(const char *directory, const char *name, const char *want)
{
    char *text = content_of(directory, name);
    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

#endif
