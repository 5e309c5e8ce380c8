/*
 * The keys of every kind of record, in the order that scripts rely on, with what each is and what
 * stands there while it is unknown.
 */
#ifndef TAPLINE_SINK_SCHEMA_H
#define TAPLINE_SINK_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

/** Where a field's value comes from, and of what type it is. */
enum field_kind {
    /* From what the stages learned: */
    FIELD_TEXT,
    FIELD_TIME,
    FIELD_INT,
    FIELD_LIST,
    FIELD_UNPRINTED, /* for the sink's own use */
    /* From what the tracker counted: */
    FIELD_IP_PORT,
    FIELD_START,
    FIELD_END,
    FIELD_PACKETS,
    FIELD_BYTES,
    FIELD_PACKETS_FORTH, /* of the side that is named first */
    FIELD_PACKETS_BACK,
    FIELD_BYTES_FORTH,
    FIELD_BYTES_BACK,
    FIELD_SYN,
    FIELD_FIN,
    FIELD_RST,
    FIELD_RTT_MS,
};

struct field {
    const char *key;
    size_t key_length;
    enum field_kind kind;
    const uint8_t *unknown; /* the msgpack value that stands for one that nobody learned */
    size_t unknown_length;
};

struct schema {
    const struct field *fields;
    size_t count;
};

/** No schema has more fields: a set of them is a number of 32 bits. */
enum { MAX_FIELDS = 32 };

extern const struct schema SCHEMA_TCP, SCHEMA_UDP, SCHEMA_HTTP, SCHEMA_SNI, SCHEMA_CERT, SCHEMA_DNS,
    SCHEMA_XYCDN;

#endif
