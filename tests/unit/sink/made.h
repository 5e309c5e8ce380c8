/*
 * What the tests of printing share: records of many flows, in memory.
 */
#ifndef TAPLINE_TESTS_SINK_MADE_H
#define TAPLINE_TESTS_SINK_MADE_H

#include "stages/sink/records.h"
#include "tests/unit/sink/attempt.h"

enum { MEMORY = 64 * 1024 * 1024, NONE = -1, MANY = 20000 };

/* Records of so many flows in memory, and what they are made with. */
struct made {
    struct summary *summary;
    struct certs *certs;
    struct records *records;
};

static const struct slice utc = {(const uint8_t *)"UTC", 3};

/* A note that no record can show: bytes have no JSON form. */
static inline void pack_wrong(struct buffer *notes)
{
    pack_map(notes, 1);
    pack_str(notes, "further");
    pack_bin(notes, "x", 1);
}

static inline void add_flow(struct records *records, int number, bool wrong)
{
    struct buffer notes = {0};
    uint8_t transport = number % 3 ? TRANSPORT_TCP : TRANSPORT_UDP;
    struct event event = flow_closed((uint64_t)number, transport, "1.2.3.4",
                                     (uint16_t)(number % 60000), "2001:db8::1", 443);
    event.close.figures.start_ns += (number * INT64_C(7919) % 100000) * MS;
    event.close.figures.syn = event.close.figures.fin = number % 2;
    if (wrong)
        pack_wrong(&notes);
    event.close.notes = whole(&notes);
    assert_int_equal(records_close(records, event.flow, &event.close), 0);
    buffer_free(&notes);
}

static inline void add_keys(struct records *records, int count)
{
    struct buffer map = {0};
    pack_map(&map, 1);
    pack_str(&map, "keys");
    pack_array(&map, 2);
    pack_str(&map, count % 2 ? "192.0.2.1:1" : "192.0.2.2:2");
    pack_str(&map, "192.0.2.3:3");
    struct event event = record_of(1, TAPLINE_RECORD_XYCDN, MOMENT, 1, &map);
    assert_int_equal(records_add(records, 1, &event.record), 0);
    buffer_free(&map);
}

/* `wrong`: the number of the flow that cannot be printed, or NONE. */
static inline struct made make(int flows, int wrong)
{
    struct made made = {.summary = summary_new(), .certs = certs_new(-1)};
    struct records_tools tools = {
        .summary = made.summary, .certs = made.certs, .directory = -1, .memory = MEMORY};
    made.records = records_new(&tools);
    assert_non_null(made.records);
    for (int i = 0; i < flows; i++) {
        add_flow(made.records, i, i == wrong);
        if (i % 100 == 0)
            add_keys(made.records, i / 100);
    }
    return made;
}

static inline void unmake(struct made *made)
{
    records_free(&made->records);
    certs_free(&made->certs);
    summary_free(&made->summary);
}

#endif
