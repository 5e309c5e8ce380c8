/*
 * What a protocol sees of the flow that it reads, and where it puts what it found.
 */
#ifndef TAPLINE_EXTRACTOR_CONVERSATION_H
#define TAPLINE_EXTRACTOR_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/wire/capture.h"
#include "common/wire/event.h"

struct conversation;

/** Transport, addresses, ports, start and hints. */
const struct event_open *conversation_open(const struct conversation *c);

/** The capture's limits. */
const struct limits *conversation_limits(const struct conversation *c);

/** The flow's "src-sport-dst-dport", initiator first. */
const char *conversation_ip_port(const struct conversation *c);

/** The text of one side's address. */
const char *conversation_address(const struct conversation *c, int side);

/**
 * Sends a record ahead of the flow's close. `map` holds one msgpack map. `time_ns` is the
 * record's first time field, `packet` the number of the packet with its first byte; the order
 * within that packet is counted here. 0 or the outlet's error.
 */
int conversation_record(struct conversation *c, enum tapline_record record, int64_t time_ns,
                        uint64_t packet, const struct buffer *map);

/**
 * Says what is wanted next of a direction (enum tapline_want). The caller must itself ignore what
 * it declined, even when it comes: this may be lost or late.
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

/** Every datagram of the flow was a DNS message: its conversation is left out of the records. */
void conversation_note_dns_only(struct conversation *c);

#endif
