#include "stages/sink/broadcast.h"

#include <stdlib.h>
#include <string.h>

#include "common/wire/pack.h"

struct broadcast {
    const struct tap *tap;
    const struct capture *capture;
    uint64_t seq; /* of the message that is being made */
    uint64_t records[TAP_RECORD_TOPICS];
    struct buffer map;
};

struct broadcast *broadcast_new(const struct tap *tap, const struct capture *capture)
{
    struct broadcast *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->tap = tap;
    b->capture = capture;
    return b;
}

void broadcast_free(struct broadcast **broadcast)
{
    if (!*broadcast)
        return;
    buffer_free(&(*broadcast)->map);
    free(*broadcast);
    *broadcast = NULL;
}

static bool number(struct broadcast *b, enum tap_topic topic)
{
    return b->tap->number(b->tap->context, topic, &b->seq);
}

static void open_map(struct broadcast *b, size_t further)
{
    buffer_clear(&b->map);
    tap_open(&b->map, b->tap, b->capture->id, b->capture->attempt, b->seq, TAP_PAIRS + further);
}

static void publish(struct broadcast *b, enum tap_topic topic)
{
    if (!b->map.failed)
        b->tap->send(b->tap->context, topic, &b->map);
}

bool broadcast_wanted(struct broadcast *b, enum tap_topic topic)
{
    if (!b)
        return false;
    b->records[topic]++;
    return number(b, topic);
}

static void pack_file(struct broadcast *b, enum record_file file)
{
    pack_str(&b->map, "file");
    pack_str(&b->map, RECORD_FILE_NAMES[file]);
}

void broadcast_record(struct broadcast *b, enum tap_topic topic, enum record_file file,
                      const struct row *row, const struct view *view)
{
    struct unpack flow = row_unprinted(row, "ip_port");
    bool named = unpack_type(&flow) == UNPACK_STR;
    open_map(b, 1 + named + row_pairs(row));
    pack_file(b, file);
    if (named) {
        pack_str(&b->map, "flow");
        struct slice raw = unpack_raw(&flow);
        buffer_append(&b->map, raw.bytes, raw.length);
    }
    if (row_pack(row, view, &b->map) == 0)
        publish(b, topic);
}

void broadcast_key(struct broadcast *b, struct slice key)
{
    if (!broadcast_wanted(b, TAP_XYCDN))
        return;
    open_map(b, 3);
    pack_file(b, FILE_XYCDN);
    pack_str(&b->map, "key");
    pack_text(&b->map, key.bytes, key.length);
    pack_str(&b->map, "num");
    pack_uint(&b->map, 1);
    publish(b, TAP_XYCDN);
}

void broadcast_open(struct broadcast *b, const struct event_open *open)
{
    static const char *const address_keys[] = {"src", "dst"};
    static const char *const port_keys[] = {"sport", "dport"};
    char text[IP_PORT_TEXT];
    if (!broadcast_wanted(b, TAP_FLOW_OPEN))
        return;
    open_map(b, 7);
    pack_str(&b->map, "ip_port");
    ip_port_text(&open->address[0], open->port[0], &open->address[1], open->port[1], text);
    pack_str(&b->map, text);
    pack_str(&b->map, "start_timestamp");
    pack_time(&b->map, open->time_ns);
    pack_str(&b->map, "transport");
    pack_str(&b->map, open->transport == TRANSPORT_TCP ? "tcp" : "udp");
    for (int side = 0; side < DIRECTIONS; side++) {
        address_text(&open->address[side], text);
        pack_str(&b->map, address_keys[side]);
        pack_str(&b->map, text);
        pack_str(&b->map, port_keys[side]);
        pack_uint(&b->map, open->port[side]);
    }
    publish(b, TAP_FLOW_OPEN);
}

static void pack_records(struct broadcast *b)
{
    pack_str(&b->map, "records");
    pack_map(&b->map, TAP_RECORD_TOPICS);
    for (int topic = 0; topic < TAP_RECORD_TOPICS; topic++) {
        pack_str(&b->map, TAP_TOPIC_NAMES[topic]);
        pack_uint(&b->map, b->records[topic]);
    }
}

static void tell(struct broadcast *b, const char *event, int status, const char *text)
{
    const struct capture *capture = b->capture;
    if (!number(b, TAP_CAPTURE))
        return;
    open_map(b, 6);
    pack_str(&b->map, "event");
    pack_str(&b->map, event);
    pack_str(&b->map, "out");
    pack_text(&b->map, capture->out.bytes, capture->out.length);
    pack_str(&b->map, "status");
    if (status < 0)
        pack_nil(&b->map);
    else
        pack_int(&b->map, status);
    pack_str(&b->map, "text");
    pack_text(&b->map, text, strlen(text));
    pack_str(&b->map, "sources");
    buffer_append(&b->map, capture->sources.bytes, capture->sources.length);
    pack_records(b);
    publish(b, TAP_CAPTURE);
}

void broadcast_begun(struct broadcast *b)
{
    if (b)
        tell(b, b->capture->attempt == 1 ? "begun" : "attempt", -1, "");
}

void broadcast_ended(struct broadcast *b, bool published, enum exit_status status, const char *text)
{
    if (b)
        tell(b, published ? "published" : "failed", (int)status, text);
}
