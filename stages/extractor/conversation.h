/*
 * What a protocol sees of the flow that it reads, and where it puts what it found.
 */
#ifndef TAPLINE_EXTRACTOR_CONVERSATION_H
#define TAPLINE_EXTRACTOR_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/pool.h"
#include "common/base/spares.h"
#include "common/bus/outlet.h"
#include "common/wire/capture.h"
#include "common/wire/event.h"

struct conversation;
struct certificate_cache;

/** Transport, addresses, ports, start and hints. */
const struct event_open *conversation_open(const struct conversation *c);

/** The capture's limits. */
const struct limits *conversation_limits(const struct conversation *c);

/** Writes the flow's "src-sport-dst-dport", `first` the side that stands first, and returns it. */
const char *conversation_ip_port(const struct conversation *c, int first, char out[IP_PORT_TEXT]);

/** What is known of certificates that were read lately. */
struct certificate_cache *conversation_certificates(const struct conversation *c);

/** Memory that all conversations share for what is made and sent within one event. */
enum conversation_room {
    ROOM_RECORD,  /* a record's map, or a close's notes */
    ROOM_PACKET,  /* what a packet holds once its protection is off */
    ROOM_MESSAGE, /* a message that came in pieces */
    ROOM_LISTS,   /* whatever a record's lists need: so many rooms */
    ROOMS = ROOM_LISTS + 6,
};

/** One of these rooms, empty, and nobody else's until the event has been handled. */
struct buffer *conversation_room(struct conversation *c, enum conversation_room room);

/** What all conversations share of objects that flows are done with. */
enum conversation_spare {
    SPARE_HTTP_FIELDS,
    SPARE_HTTP_MESSAGE,
    SPARES,
};
struct spares *conversation_spares(struct conversation *c, enum conversation_spare kind);

/** Memory that all conversations share for what each of them has some of. */
enum conversation_pool {
    POOL_CONVERSATION,
    POOL_HTTP,
    POOL_HTTP_READER,
    POOL_HTTP_EXCHANGES,
    POOL_HTTP_EXCHANGE,
    POOL_TLS,
    POOL_DNS,
    POOL_QUIC,
    POOLS,
};
struct pool *conversation_pool(struct conversation *c, enum conversation_pool kind);

/**
 * Sends a record ahead of the flow's close. `map` holds one msgpack map. `time_ns` is the
 * record's first time field, `packet` the number of the packet with its first byte; the order
 * within that packet is counted here. 0 or the outlet's error.
 */
int conversation_record(struct conversation *c, enum tapline_record_kind record, int64_t time_ns,
                        uint64_t packet, const struct buffer *map);

/**
 * Says what is wanted next of a direction (enum tapline_want); TAPLINE_WANT_NOTHING is final. From
 * the next event on, what was declined does not come any more, whether or not the stage before
 * has heard of it.
 */
void conversation_want(struct conversation *c, int direction, enum tapline_want want,
                       uint64_t offset);

/** Notes for the connection's record; the first SNI and the first certificate domain stay, the
 *  last HTTP request's time does. Text is copied (cleaned to UTF-8). 0 or -ENOMEM. */
int conversation_note_request(struct conversation *c, int64_t time_ns);
int conversation_note_sni(struct conversation *c, const uint8_t *name, size_t length,
                          int server_side, int64_t time_ns);
int conversation_note_domain(struct conversation *c, const uint8_t *name, size_t length,
                             int sender_side, int64_t time_ns);

/** What a limit made a protocol let go. */
enum conversation_cost {
    COST_FIELDS,    /* header fields behind limits.header_bytes */
    COST_WAITING,   /* requests that limits.http_waiting kept from their answers */
    COST_HELD,      /* times that too much followed a request to change protocols */
    COST_ADDRESSES, /* addresses of one WebSocket frame that were too many */
    COST_HANDSHAKE, /* TLS handshake messages longer than limits.handshake */
    COST_CHAIN,     /* certificates of a chain behind limits.chain */
    COST_QUIC,      /* QUIC hellos longer than limits.quic_crypto, or in too many pieces */
    COSTS,
};

/** Counts what a limit cost. */
void conversation_cost(struct conversation *c, enum conversation_cost cost, uint64_t count);

/**
 * Takes out of an event what was declined. False: all of it was, there is nothing to look at.
 * The core asks once for every event that arrives, so that a protocol sees the same events
 * whether or not its demand was heard in time; who keeps events back asks again when their time
 * has come.
 */
bool conversation_admits_data(struct conversation *c, struct event_data *data);
bool conversation_admits_gap(struct conversation *c, struct event_gap *gap);

/* The rest is between conversations and the extractor's core. */

/** What all conversations of a capture share. */
struct conversation_ground {
    struct certificate_cache *certificates;
    struct limits limits;
    const struct outlet *outlet;
    uint64_t costs[COSTS];
    struct buffer rooms[ROOMS];
    struct spares spares[SPARES];
    struct pool pools[POOLS];
};

/** Gives back the rooms, spares and pools, when all conversations are freed. */
void conversation_ground_clear(struct conversation_ground *ground);

/** The conversation of a flow whose events come from `from`; NULL: no memory. `ground` is borrowed
 *  for as long as it lives. */
struct conversation *conversation_new(struct conversation_ground *ground, uint64_t flow,
                                      uint32_t from, const struct event_open *open);

/** Frees it and nulls the pointer; accepts NULL. */
void conversation_free(struct conversation **c);

/** That event comes soon: has what it looks at fetched into the cache. */
void conversation_expect(const struct conversation *c, const struct event *event);

/** Hands an event of the flow on to the sink; 0 or the outlet's error. */
int conversation_hand_on(struct conversation *c, const struct event *event);

/** Hands the flow's CLOSE on, with the notes and the trail of this stage, to which `received`
 *  DATA and GAP events came. 0, -ENOMEM, ERR_MALFORMED (a trail that is full), or the outlet's. */
int conversation_close(struct conversation *c, const struct event *close, uint64_t received);

#endif
