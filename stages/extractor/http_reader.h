/*
 * One direction of a flow as a row of HTTP/1 messages (RFC 9112): finds where they begin, and has
 * llhttp read what follows the start line. Who reads asks for one step after the other, until the
 * bytes are used up.
 *
 * Whatever cannot be read on (what llhttp refuses, bytes that were lost outside of a body) ends the
 * message that it befalls. The direction starts anew at the next start line that begins a turn, or
 * that follows the lost bytes directly, and declines what lies before. It also declines the rest of
 * a body that a record has no use for.
 */
#ifndef TAPLINE_EXTRACTOR_HTTP_READER_H
#define TAPLINE_EXTRACTOR_HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/extractor/conversation.h"
#include "stages/extractor/http_message.h"

struct http_reader;

enum http_step {
    HTTP_STEP_MORE,  /* everything is used up */
    HTTP_STEP_START, /* a start line was read: http_reader_begin or http_reader_refuse is next */
    HTTP_STEP_OVER,  /* the message is over: http_message_progress says how */
    HTTP_STEP_HELLO, /* a TLS hello begins with what is pending (http_reader_pending) */
    HTTP_STEP_ERROR, /* no memory */
};

/** A reader of one direction; NULL: no memory. */
struct http_reader *http_reader_new(struct conversation *conversation, int direction);

/** Frees it and nulls the pointer; accepts NULL. */
void http_reader_free(struct http_reader **reader);

/** Reads on from `*used` bytes into the event, and moves it. */
enum http_step http_reader_data(struct http_reader *reader, const struct event_data *data,
                                size_t *used);

/** Takes a gap in; HTTP_STEP_OVER where that ends the message. */
enum http_step http_reader_gap(struct http_reader *reader, const struct event_gap *gap);

/** After HTTP_STEP_START: which kind of line it was. */
enum start_line_kind http_reader_kind(const struct http_reader *reader);

/** After HTTP_STEP_START: the message that begins here, for the caller to own; until it is over the
 *  reader writes to it. NULL: no memory. */
struct http_message *http_reader_begin(struct http_reader *reader);

/** After http_reader_begin: the message has no body, whatever its header says (RFC 9112, 6.3). */
void http_reader_expect_no_body(struct http_reader *reader);

/** After HTTP_STEP_START: no such message can stand here. Looks for the next turn. */
void http_reader_refuse(struct http_reader *reader, const struct event_data *data);

/** Did the reader start anew since the message before, so that some may be lost in between? */
bool http_reader_lost_track(const struct http_reader *reader);

/** Has one been lost for certain: was there a hole where it began? */
bool http_reader_lost_start(const struct http_reader *reader);

/** The stream is over; `fin`: it came to its own end. HTTP_STEP_OVER where a message was open. */
enum http_step http_reader_end(struct http_reader *reader, bool fin);

/** From here on (after CONNECT or 101) this is another conversation: begins afresh, and looks for
 *  a TLS hello as well. A message that is open must have been ended before. */
void http_reader_begin_tunnel(struct http_reader *reader);

/** Were bytes of a tunnel looked at, which may be TLS, without an outcome yet? */
bool http_reader_undecided(const struct http_reader *reader);

/** Those, as an event of their own; false: none. */
bool http_reader_pending(const struct http_reader *reader, struct event_data *pending);

#endif
