/*
 * The capture document: all that a stage needs to know of a capture, carried by BEGIN along the
 * pipeline ahead of anything else of it. Stages keep no settings of their own that could change
 * a record, so that every worker, wherever it was started, treats a capture alike.
 */
#ifndef TAPLINE_COMMON_CAPTURE_H
#define TAPLINE_COMMON_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/opts.h"
#include "common/wire/message.h"
#include "common/wire/unpack.h"

/** What can change a record, and what bounds a flow's memory. Durations in ns; 0: no limit. */
struct limits {
    int64_t tcp_linger;       /* without a packet after both FINs or a RST: the connection ended */
    int64_t tcp_open_idle;    /* the same where the other side never answered */
    int64_t tcp_idle;         /* the same otherwise */
    int64_t udp_idle;         /* without a datagram: the conversation ended */
    uint64_t probe_segments;  /* segments with payload looked at in each direction */
    uint64_t probe_datagrams; /* datagrams looked at in each direction */
    uint64_t reorder;         /* bytes of sequence numbers that may wait behind a hole */
    uint64_t fragments;       /* bytes of one datagram that may wait for its other fragments */
    uint64_t start_line;      /* bytes of an HTTP start line that are read on for */
    uint64_t header_bytes;    /* bytes of one HTTP message's headers that are kept */
    uint64_t http_waiting;    /* requests of one connection that may wait for their answers */
    uint64_t handshake;       /* bytes of one TLS handshake message */
    uint64_t chain;           /* certificates of one chain */
    uint64_t quic_crypto;     /* bytes of a QUIC ClientHello */
    uint64_t stun_values;     /* distinct STUN values of one conversation */
    uint64_t demand;          /* 0: stages tell nobody what they do not want (for tests) */
    uint64_t flows;           /* open at once in one tracker; with more the attempt fails */
};

/** The defaults. */
extern const struct limits LIMITS_DEFAULT;

/** One option for each field of struct limits, in their order. */
extern const struct opt LIMIT_OPTS[];
extern const size_t LIMIT_OPTS_COUNT;

/** Texts that travel: borrowed where unpacked (from the message), or by whoever packs. */
struct capture {
    uint64_t id;
    uint64_t attempt;
    uint64_t reader;       /* the reader's sender id, */
    struct slice control;  /* and the endpoint of its control inbox */
    struct slice key;      /* its public key; "": none */
    struct slice out;      /* the results' directory */
    struct slice zone;     /* TZ of the command that asked */
    struct slice profile;  /* the platforms: a JSON document, as stages/classifier/profile.h says */
    struct slice sources;  /* msgpack: array of {name, size, mtime} of the files it is made of */
    struct slice request;  /* JSON object: options as asked for, put into ledger.json */
    uint64_t sink;         /* the sink's sender id */
    struct slice trackers; /* msgpack: array of sender ids, in the order of their indexes */
    uint32_t index;        /* a tracker's own place among them, from 0; not on the wire */
    struct limits limits;
    bool live;             /* packets arrive as they happen, and cannot be played again */
    bool opens;            /* trackers tell the sink of flows when they begin, too */
    struct slice original; /* msgpack: where the reader has the memory that it reads into, for those
                              who can read it, too: [realm, process, descriptor, id]; nil, or empty:
                              all bytes travel */
    bool early;            /* the sink may write records before the capture has ended: should one
                              come too late for its place, another attempt is allowed */
};

/** Appends the document (the BEGIN body; id and attempt travel in the head). */
void capture_pack(struct buffer *to, const struct capture *capture);

/** Reads it in place; 0, ERR_TRUNCATED or ERR_MALFORMED. */
int capture_unpack(struct unpack *from, struct capture *capture);

/** A tracker's place in the capture's set; false: it does not stand there. */
bool capture_tracker(const struct capture *capture, uint64_t sender, uint32_t *index);

/** May its sender say this of the capture? What ends or completes an attempt, only the capture's
 *  reader, its trackers and its sink may; of the others any worker can be the right one. */
bool capture_heeds(const struct capture *capture, const struct message_head *head);

#endif
