/*
 * One HTTP/1 message: what of it goes into a record.
 */
#ifndef TAPLINE_EXTRACTOR_HTTP_MESSAGE_H
#define TAPLINE_EXTRACTOR_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/spares.h"
#include "common/recognise/start_line.h"
#include "stages/extractor/body.h"
#include "stages/extractor/http_fields.h"

struct http_message;

/** How a message stands. */
enum http_progress {
    HTTP_ARRIVING,
    HTTP_ENDED, /* to its own end, as its framing says */
    HTTP_CUT,   /* refused by the parser, or bytes are missing that it cannot do without */
};

/** Where a message begins. */
struct http_place {
    int64_t time_ns; /* of the packet that carries its first byte, */
    uint64_t packet; /* and that packet's number */
    bool leads;      /* its first byte is the first after the other side has spoken */
};

/** A message that begins with this start line (recognised, line end included); NULL: no memory. It
 *  comes out of the spares where there is one, and goes back there: they must outlive it. */
struct http_message *http_message_new(struct spares *spares, enum start_line_kind kind,
                                      struct slice line, const struct http_place *place);

/** Puts it to the spares it came from and nulls the pointer; accepts NULL. */
void http_message_free(struct http_message **message);

/** The header section has been read: the body's coding and declared length follow from it. */
void http_message_begin_body(struct http_message *message, const struct http_fields *fields,
                             bool has_length, uint64_t length);

/** The body, to be fed. */
struct body *http_message_body(struct http_message *message);

/** The message is over; `fields` are what was read of its header. 0 or -ENOMEM. */
int http_message_end(struct http_message *message, enum http_progress how,
                     struct http_fields *fields);

enum http_progress http_message_progress(const struct http_message *message);
const struct http_place *http_message_place(const struct http_message *message);

/** Has it come to its end, with the first BODY_KEPT bytes of its body? */
bool http_message_complete(const struct http_message *message);

/** The request's method is this one (in upper case). */
bool http_message_method_is(const struct http_message *message, const char *method);

/** The answer's status code. */
int http_message_status(const struct http_message *message);

/** The request asks to change protocols (RFC 9110, section 7.8): what follows it must wait. */
bool http_message_asks_switch(const struct http_message *message);

/** The answer changes to the WebSocket protocol (RFC 6455, section 4.2.2). */
bool http_message_is_websocket(const struct http_message *message);

/** Appends the keys and values of a record's half, HTTP_MESSAGE_KEYS pairs; a message that was not
 *  seen (NULL) gives nil for each. */
enum { HTTP_MESSAGE_KEYS = 7 };
void http_message_pack(const struct http_message *message, enum start_line_kind kind,
                       struct buffer *to);

#endif
