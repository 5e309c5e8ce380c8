/*
 * Where a record stands among all: by file, time, flow, packet and place in the packet, as a key
 * whose bytes compare like memcmp.
 */
#ifndef TAPLINE_SINK_POSITION_H
#define TAPLINE_SINK_POSITION_H

#include "common/net/address.h"
#include "common/wire/unpack.h"
#include "stages/sink/entry.h"
#include "stages/sink/layout.h"

/** `ip_port` is the flow's, packet and order the record's own. */
struct position {
    enum record_file file;
    int64_t time_ns;
    struct slice ip_port; /* borrowed; shorter than IP_PORT_TEXT, and without a NUL */
    uint64_t packet;
    uint32_t order;
};

/** file, microsecond, ip_port with its NUL, packet, order */
enum { POSITION_MICROS = 7, POSITION_KEY = 1 + POSITION_MICROS + IP_PORT_TEXT + 8 + 4 };

/** Writes the key; its length. */
size_t position_key(const struct position *position, uint8_t key[POSITION_KEY]);

/** How a key of that file and time begins (entry_prefix). */
uint64_t position_prefix(enum record_file file, int64_t time_ns);

/** And the other way: the file. */
enum record_file position_prefix_file(uint64_t prefix);

/** The file of a key of any record, */
enum record_file position_file(const struct entry *record);

/** and the ip_port of one that position_key made. */
struct slice position_ip_port(const struct entry *record);

#endif
