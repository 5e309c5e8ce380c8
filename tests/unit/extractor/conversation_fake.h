/*
 * A conversation that writes down what a protocol says, for tests and fuzz targets: records as
 * one line of text each, notes, and what is wanted. It stands in for conversation.c, so a program
 * may include it once.
 */
#ifndef TAPLINE_TESTS_CONVERSATION_FAKE_H
#define TAPLINE_TESTS_CONVERSATION_FAKE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/capture.h"
#include "common/wire/unpack.h"
#include "stages/extractor/certificate_cache.h"
#include "stages/extractor/protocol.h"

enum { FAKE_RECORDS = 64, FAKE_TEXT = 4096, FAKE_NOTE = 300 };

struct fake_record {
    enum tapline_record_kind record;
    int64_t time_ns;
    uint64_t packet;
    char text[FAKE_TEXT]; /* {"key":value,...}; bin as <length>, times in ns */
};

struct conversation {
    struct event_open open;
    struct limits limits;
    unsigned count; /* of all records; the first ones are kept */
    struct fake_record records[FAKE_RECORDS];
    char sni[FAKE_NOTE], domain[FAKE_NOTE]; /* "name side time" of the first */
    uint64_t costs[COSTS];
    bool wanted[DIRECTIONS]; /* something was said */
    enum tapline_want want[DIRECTIONS];
    uint64_t offset[DIRECTIONS];
    struct buffer rooms[ROOMS];
    struct pool pools[POOLS];
    int64_t least_ns; /* no record may be earlier */
};

/* From 192.0.2.1 port 40000 to 198.51.100.2 at the given port. */
static inline struct conversation *fake_conversation(uint8_t transport, uint16_t port)
{
    struct conversation *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->limits = LIMITS_DEFAULT;
    c->open.transport = transport;
    c->open.address[0] = address_from((const uint8_t[]){192, 0, 2, 1}, 4);
    c->open.address[1] = address_from((const uint8_t[]){198, 51, 100, 2}, 4);
    c->open.port[0] = 40000;
    c->open.port[1] = port;
    return c;
}

static inline void fake_free(struct conversation *c)
{
    for (int i = 0; i < ROOMS; i++)
        buffer_free(&c->rooms[i]);
    for (int i = 0; i < POOLS; i++)
        pool_free(&c->pools[i]);
    free(c);
}

static inline void fake_print(struct unpack *u, FILE *out)
{
    struct slice s;
    uint32_t count = 0;
    switch (unpack_type(u)) {
    case UNPACK_STR:
        s = unpack_str(u);
        fprintf(out, "\"%.*s\"", (int)s.length, (const char *)s.bytes);
        break;
    case UNPACK_BIN: fprintf(out, "<%zu>", unpack_bin(u).length); break;
    case UNPACK_TIME: fprintf(out, "%" PRId64, unpack_time(u)); break;
    case UNPACK_ARRAY:
        count = unpack_array(u);
        for (uint32_t i = 0; i < count; i++) {
            fputs(i ? "," : "[", out);
            fake_print(u, out);
        }
        fputs(count ? "]" : "[]", out);
        break;
    case UNPACK_MAP:
        count = unpack_map(u);
        for (uint32_t i = 0; i < count; i++) {
            fputs(i ? "," : "{", out);
            fake_print(u, out);
            fputs(":", out);
            fake_print(u, out);
        }
        fputs("}", out);
        break;
    default: abort(); /* records hold nothing else */
    }
}

const struct event_open *conversation_open(const struct conversation *c)
{
    return &c->open;
}

const struct limits *conversation_limits(const struct conversation *c)
{
    return &c->limits;
}

/* One for all conversations, as in the extractor; it lives as long as the program. */
struct certificate_cache *conversation_certificates(const struct conversation *c)
{
    static struct certificate_cache *certificates;
    (void)c;
    if (!certificates)
        certificates = certificate_cache_new();
    return certificates;
}

const char *conversation_ip_port(const struct conversation *c, int first, char out[IP_PORT_TEXT])
{
    return ip_port_text(&c->open.address[first], c->open.port[first], &c->open.address[!first],
                        c->open.port[!first], out);
}

int conversation_record(struct conversation *c, enum tapline_record_kind record, int64_t time_ns,
                        uint64_t packet, const struct buffer *map)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    struct unpack u = unpack_over(map->bytes, map->length);
    if (!out)
        abort();
    fake_print(&u, out);
    fclose(out);
    if (u.error || u.at != u.end || time_ns < c->least_ns)
        abort();
    if (c->count < FAKE_RECORDS) {
        struct fake_record *r = &c->records[c->count];
        r->record = record;
        r->time_ns = time_ns;
        r->packet = packet;
        snprintf(r->text, sizeof r->text, "%s", text);
    }
    c->count++;
    free(text);
    return 0;
}

void conversation_want(struct conversation *c, int direction, enum tapline_want want,
                       uint64_t offset)
{
    c->wanted[direction] = true;
    c->want[direction] = want;
    c->offset[direction] = offset;
}

static inline int fake_note(char *note, const uint8_t *name, size_t length, int side,
                            int64_t time_ns)
{
    if (!*note)
        snprintf(note, FAKE_NOTE, "%.*s %d %" PRId64, (int)length, (const char *)name, side,
                 time_ns);
    return 0;
}

int conversation_note_sni(struct conversation *c, const uint8_t *name, size_t length,
                          int server_side, int64_t time_ns)
{
    return fake_note(c->sni, name, length, server_side, time_ns);
}

int conversation_note_domain(struct conversation *c, const uint8_t *name, size_t length,
                             int sender_side, int64_t time_ns)
{
    return fake_note(c->domain, name, length, sender_side, time_ns);
}

int conversation_note_request(struct conversation *c, int64_t time_ns)
{
    (void)c;
    (void)time_ns;
    return 0;
}

struct buffer *conversation_room(struct conversation *c, enum conversation_room room)
{
    buffer_clear(&c->rooms[room]);
    return &c->rooms[room];
}

struct pool *conversation_pool(struct conversation *c, enum conversation_pool kind)
{
    return &c->pools[kind];
}

void conversation_cost(struct conversation *c, enum conversation_cost cost, uint64_t count)
{
    c->costs[cost] += count;
}

#endif
