/*
 * DNS over UDP and TCP (RFC 1035, section 4.2), multicast DNS included: one record for each
 * response that answers something.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/cursor.h"
#include "common/base/error.h"
#include "common/recognise/dns_message.h"
#include "common/wire/pack.h"
#include "stages/extractor/dns_answer.h"
#include "stages/extractor/dns_list.h"
#include "stages/extractor/protocol.h"

enum { LENGTH_PREFIX = 2 };

/* The messages in one direction of a TCP stream. */
struct framing {
    bool lost; /* nobody knows where a message begins, until a turn does */
    uint8_t prefix[LENGTH_PREFIX];
    size_t prefix_length;  /* how much of it has come */
    struct buffer message; /* what has come of a message that more than one segment carries */
    int64_t time_ns;       /* of the packet with its first byte, */
    uint64_t packet;       /* and its number */
};

/* A whole message, or what the snap length left of a datagram. */
struct message {
    const uint8_t *bytes;
    size_t length;
    int64_t time_ns;
    uint64_t packet;
};

struct dns {
    struct conversation *conversation;
    bool port_hint;
    struct framing *framings; /* of both directions; NULL: datagrams need none */
};

/* What a message's answers say. */
struct findings {
    struct dns_list domains, addresses;
};

static bool port_hints(uint16_t port)
{
    return port == 53 || port == 5353 || port == 5355;
}

static void *dns_open(struct conversation *conversation)
{
    const struct event_open *open = conversation_open(conversation);
    struct dns *dns = pool_take(conversation_pool(conversation, POOL_DNS), sizeof *dns);
    if (!dns)
        return NULL;
    *dns = (struct dns){
        .conversation = conversation,
        .port_hint =
            port_hints(open->port[FROM_INITIATOR]) || port_hints(open->port[FROM_RESPONDER]),
    };
    if (open->transport != TRANSPORT_TCP)
        return dns;
    dns->framings = calloc(DIRECTIONS, sizeof *dns->framings);
    if (dns->framings)
        return dns;
    pool_put(conversation_pool(conversation, POOL_DNS), dns);
    return NULL;
}

static void dns_free(void **state)
{
    struct dns *dns = *state;
    if (dns) {
        for (int side = 0; side < DIRECTIONS && dns->framings; side++)
            buffer_free(&dns->framings[side].message);
        free(dns->framings);
        pool_put(conversation_pool(dns->conversation, POOL_DNS), dns);
    }
    *state = NULL;
}

static int answer_add(struct findings *found, const struct dns_answer *answer)
{
    char text[ADDRESS_TEXT];
    int error = dns_list_add(&found->domains, answer->owner.text, answer->owner.length);
    if (!error && answer->target.length > 0)
        error = dns_list_add(&found->domains, answer->target.text, answer->target.length);
    if (!error && answer->address.length > 0) {
        address_text(&answer->address, text);
        error = dns_list_add(&found->addresses, text, strlen(text));
    }
    return error;
}

static int record_send(struct dns *dns, const struct message *m, const struct findings *found)
{
    struct buffer *map = conversation_room(dns->conversation, ROOM_RECORD);
    char text[IP_PORT_TEXT];
    pack_map(map, 4);
    pack_str(map, "ip_port");
    pack_str(map, conversation_ip_port(dns->conversation, FROM_INITIATOR, text));
    pack_str(map, "dns_domain");
    dns_list_pack(map, &found->domains);
    pack_str(map, "dns_ip");
    dns_list_pack(map, &found->addresses);
    pack_str(map, "timestamp");
    pack_time(map, m->time_ns);
    return conversation_record(dns->conversation, TAPLINE_RECORD_DNS, m->time_ns, m->packet, map);
}

/* Of a message that breaks off within its answers, those before count. */
static int answers_read(struct dns *dns, const struct message *m)
{
    struct findings found = {dns_list_within(dns->conversation, 0),
                             dns_list_within(dns->conversation, 1)};
    struct dns_answers answers;
    struct dns_answer answer;
    unsigned count = 0;
    int error = dns_answers_begin(&answers, m->bytes, m->length);
    while (!error && (error = dns_answers_next(&answers, &answer)) == 0) {
        error = answer_add(&found, &answer);
        count++;
    }
    if (error == -ENOMEM)
        return error;
    return count > 0 ? record_send(dns, m, &found) : 0;
}

static bool message_recognised(struct dns *dns, const struct message *m)
{
    return dns_message_recognise(m->bytes, m->length, 0, dns->port_hint);
}

/* Message borders are lost: the next turn begins with one. */
static void framing_lose(struct dns *dns, int side, uint64_t offset)
{
    struct framing *f = &dns->framings[side];
    f->lost = true;
    f->prefix_length = 0;
    buffer_clear(&f->message);
    conversation_want(dns->conversation, side, TAPLINE_WANT_TURN, offset);
}

/* Reads on in the message whose length is known. One that a single segment holds is read where it
 * stands; *recognised stays true until a whole one turns out to be no DNS. */
static int message_read_on(struct dns *dns, const struct event_data *data, struct cursor *in,
                           bool *recognised)
{
    struct framing *f = &dns->framings[data->direction];
    size_t whole = (size_t)f->prefix[0] << 8 | f->prefix[1];
    if (f->message.length == 0) {
        f->time_ns = data->time_ns;
        f->packet = data->packet;
    }
    size_t length = whole - f->message.length;
    if (length > cursor_left(in))
        length = cursor_left(in);
    const uint8_t *bytes = cursor_take(in, length);
    if (length < whole) {
        if (buffer_append(&f->message, bytes, length) != 0)
            return -ENOMEM;
        if (f->message.length < whole)
            return 0;
        bytes = f->message.bytes;
    }
    struct message m = {bytes, whole, f->time_ns, f->packet};
    *recognised = message_recognised(dns, &m);
    int error = *recognised ? answers_read(dns, &m) : 0;
    f->prefix_length = 0;
    buffer_clear(&f->message);
    return error;
}

static int segment_read(struct dns *dns, const struct event_data *data)
{
    struct framing *f = &dns->framings[data->direction];
    struct cursor in = cursor_over(data->bytes, data->length);
    if (f->lost && !(data->flags & TAPLINE_TURN))
        return 0;
    f->lost = false;
    while (cursor_left(&in) > 0) {
        bool recognised = true;
        int error = 0;
        if (f->prefix_length < LENGTH_PREFIX)
            f->prefix[f->prefix_length++] = cursor_u8(&in);
        else
            error = message_read_on(dns, data, &in, &recognised);
        if (error)
            return error;
        if (!recognised) {
            framing_lose(dns, data->direction, data->offset + data->length);
            return 0;
        }
    }
    return 0;
}

/* The classifier has recognised it, or a port says that it is meant to be DNS. */
static int datagram_read(struct dns *dns, const struct event_data *data)
{
    struct message m = {data->bytes, data->length, data->time_ns, data->packet};
    return answers_read(dns, &m);
}

static int dns_data(void *state, const struct event_data *data)
{
    struct dns *dns = state;
    return dns->framings ? segment_read(dns, data) : datagram_read(dns, data);
}

static int dns_gap(void *state, const struct event_gap *gap)
{
    struct dns *dns = state;
    if (dns->framings)
        framing_lose(dns, gap->direction, gap->offset + gap->length);
    return 0;
}

static bool dns_holds(const void *state)
{
    const struct dns *dns = state;
    const struct framing *f = dns->framings;
    return f && (f[0].prefix_length || f[1].prefix_length);
}

static int dns_close(void *state, const struct figures *figures)
{
    (void)state;
    (void)figures;
    return 0;
}

const struct protocol protocol_dns = {
    .name = "dns",
    .open = dns_open,
    .data = dns_data,
    .gap = dns_gap,
    .holds = dns_holds,
    .close = dns_close,
    .free = dns_free,
};
