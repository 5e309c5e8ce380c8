#include "stages/extractor/http_reader.h"

#include <errno.h>
#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

#include "common/recognise/tls_hello.h"

/* A declined span must be worth the message that declines it. */
enum { WORTH_DECLINING = 16 * 1024 };

/* What stands for bytes that are not there. Never written, and never read either: llhttp only
 * counts a body's bytes, and a body with a hole, or sated, takes none. Untouched pages cost
 * nothing. */
static char absent[1 << 20];

struct http_reader {
    struct conversation *conversation;
    int direction;
    llhttp_t parser;              /* of the message that is open */
    struct http_message *message; /* borrowed; NULL: a start line comes next */
    struct http_fields *fields;
    struct buffer line;      /* what may become a start line: as much as events before brought, */
    struct http_place place; /* where it begins, */
    uint64_t line_offset;    /* and where that is in the stream */
    struct start_line start; /* of the line, and then of the message */
    struct slice start_line; /* the line as it was read last: borrowed until the event is over */
    uint64_t at;             /* the stream's next byte, while a message is open */
    uint64_t declined_to;    /* bytes below may be missing because nobody wants them */
    bool no_body;            /* whatever the header says */
    bool in_head;            /* fields are the header's, not a trailer's */
    bool in_span;       /* within bytes of known number: a body by its length, or one chunk's */
    bool until_close;   /* within a body that lasts as long as the stream */
    bool in_chunk_head; /* within a line that says how long a chunk is, */
    bool in_extension;  /* and behind the number in it */
    bool ended;         /* llhttp has seen the message's end */
    bool fault;         /* no memory within a callback of llhttp */
    bool lost_track;    /* messages may have been lost since the last one, */
    bool lost_start;    /* and the first of them at least has, from its start on */
    bool tunnel;        /* a TLS hello may begin here, too */
};

/* ---- what llhttp calls ---------------------------------------------------------------------- */

static struct http_reader *reader_of(llhttp_t *parser)
{
    return parser->data;
}

/* llhttp stops at once at a callback that fails. */
static int checked(struct http_reader *r, int error)
{
    r->fault = r->fault || error;
    return error ? HPE_USER : HPE_OK;
}

static int on_name(llhttp_t *parser, const char *piece, size_t length)
{
    struct http_reader *r = reader_of(parser);
    return r->in_head ? checked(r, http_fields_name(r->fields, piece, length)) : HPE_OK;
}

static int on_value(llhttp_t *parser, const char *piece, size_t length)
{
    struct http_reader *r = reader_of(parser);
    return r->in_head ? checked(r, http_fields_value(r->fields, piece, length)) : HPE_OK;
}

static int on_field(llhttp_t *parser)
{
    struct http_reader *r = reader_of(parser);
    return r->in_head && checked(r, http_fields_end(r->fields)) ? -1 : 0;
}

/* From here to the end of the line llhttp gets what read_chunk_head makes of it. */
static int begin_chunk_head(struct http_reader *r)
{
    r->in_chunk_head = true;
    r->in_extension = false;
    return HPE_PAUSED;
}

/* Returns 1 where llhttp must not look for a body. */
static int on_head(llhttp_t *parser)
{
    struct http_reader *r = reader_of(parser);
    bool chunked = parser->flags & F_CHUNKED, length = parser->flags & F_CONTENT_LENGTH;
    bool coded = parser->flags & F_TRANSFER_ENCODING;
    r->in_head = false;
    if (!r->no_body) {
        r->in_span = !coded && length && parser->content_length > 0;
        r->until_close = !chunked && (coded || (!length && r->start.kind == START_LINE_STATUS));
    }
    http_message_begin_body(r->message, r->fields, length && !coded && !r->no_body,
                            parser->content_length);
    return r->no_body ? 1 : chunked ? begin_chunk_head(r) : 0;
}

static int on_body(llhttp_t *parser, const char *bytes, size_t length)
{
    struct http_reader *r = reader_of(parser);
    return checked(r, body_add(http_message_body(r->message), (const uint8_t *)bytes, length));
}

static int on_chunk(llhttp_t *parser)
{
    struct http_reader *r = reader_of(parser);
    r->in_span = parser->content_length > 0;
    r->in_chunk_head = false;
    return 0;
}

/* Called for the last chunk, too, which has no bytes, and no other one's head behind it. */
static int on_chunk_over(llhttp_t *parser)
{
    struct http_reader *r = reader_of(parser);
    bool last = !r->in_span;
    r->in_span = false;
    return last ? 0 : begin_chunk_head(r);
}

/* Each message has a parser of its own, so the next one's bytes are not read yet. */
static int on_over(llhttp_t *parser)
{
    reader_of(parser)->ended = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_field,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_chunk_header = on_chunk,
    .on_chunk_complete = on_chunk_over,
    .on_message_complete = on_over,
};

/* ---- start lines ---------------------------------------------------------------------------- */

struct http_reader *http_reader_new(struct conversation *conversation, int direction)
{
    struct http_reader *r = pool_take(conversation_pool(conversation, POOL_HTTP_READER), sizeof *r);
    if (r)
        *r = (struct http_reader){.conversation = conversation, .direction = direction};
    return r;
}

void http_reader_free(struct http_reader **reader)
{
    if (!*reader)
        return;
    http_fields_free(&(*reader)->fields);
    buffer_free(&(*reader)->line);
    pool_put(conversation_pool((*reader)->conversation, POOL_HTTP_READER), *reader);
    *reader = NULL;
}

/* Nothing can be read before the next turn that begins at `offset` or behind it. */
static void seek_turn(struct http_reader *r, uint64_t offset)
{
    buffer_clear(&r->line);
    r->lost_track = true;
    r->lost_start = false; /* what comes then is of a later turn than what was lost here */
    conversation_want(r->conversation, r->direction, TAPLINE_WANT_TURN, offset);
}

/* Empty lines ahead of a start line are passed over (RFC 9112, section 2.2). */
static size_t empty_lines(const struct event_data *data, size_t from)
{
    size_t at = from;
    while (at < data->length && (data->bytes[at] == '\r' || data->bytes[at] == '\n'))
        at++;
    return at - from;
}

/* The line up to its end, or to the event's: behind what came of it before, or where it stands.
 * Without bytes: no memory. */
static struct slice extend_line(struct http_reader *r, const struct event_data *data, size_t *used)
{
    if (r->line.length == 0) {
        r->place = (struct http_place){
            .time_ns = data->time_ns,
            .packet = data->packet,
            .leads = data->flags & TAPLINE_TURN && empty_lines(data, 0) == *used,
        };
        r->line_offset = data->offset + *used;
        r->start = (struct start_line){0};
    }
    const uint8_t *from = data->bytes + *used;
    size_t left = data->length - *used;
    const uint8_t *end = memchr(from, '\n', left);
    size_t length = end ? (size_t)(end - from) + 1 : left;
    *used += length;
    if (r->line.length == 0)
        return (struct slice){from, length};
    if (buffer_append(&r->line, from, length) != 0)
        return (struct slice){0};
    return (struct slice){r->line.bytes, r->line.length};
}

/* Has a line that was not decided on yet outlast the event. */
static int keep_line(struct http_reader *r, struct slice line)
{
    return r->line.length == 0 ? buffer_append(&r->line, line.bytes, line.length) : 0;
}

static enum http_step read_start(struct http_reader *r, const struct event_data *data, size_t *used)
{
    uint64_t longest = conversation_limits(r->conversation)->start_line;
    if (r->line.length == 0)
        *used += empty_lines(data, *used);
    while (*used < data->length) {
        struct slice line = r->start_line = extend_line(r, data, used);
        if (!line.bytes)
            return HTTP_STEP_ERROR;
        enum verdict hello = r->tunnel ? tls_hello_recognise(line.bytes, line.length) : VERDICT_NO;
        enum verdict start = VERDICT_NO;
        if (hello != VERDICT_YES)
            start = start_line_recognise(line.bytes, line.length, longest, &r->start);
        if (start == VERDICT_YES)
            return HTTP_STEP_START;
        if (start == VERDICT_NO && hello == VERDICT_NO) {
            http_reader_refuse(r, data);
            *used = data->length;
        } else if (keep_line(r, line) != 0) {
            return HTTP_STEP_ERROR;
        }
        if (hello == VERDICT_YES)
            return HTTP_STEP_HELLO;
    }
    return HTTP_STEP_MORE;
}

void http_reader_refuse(struct http_reader *r, const struct event_data *data)
{
    seek_turn(r, data->offset + data->length);
}

enum start_line_kind http_reader_kind(const struct http_reader *r)
{
    return r->start.kind;
}

bool http_reader_lost_track(const struct http_reader *r)
{
    return r->lost_track;
}

bool http_reader_lost_start(const struct http_reader *r)
{
    return r->lost_start;
}

/* llhttp gets a start line of its own: what a body's length depends on in the real one was looked
 * at already, and llhttp is stricter about targets and versions than traffic is. */
struct http_message *http_reader_begin(struct http_reader *r)
{
    static const char request[] = "POST / HTTP/1.1\r\n", answer[] = "HTTP/1.1 200 OK\r\n";
    bool asks = r->start.kind == START_LINE_REQUEST;
    r->message = http_message_new(conversation_spares(r->conversation, SPARE_HTTP_MESSAGE),
                                  r->start.kind, r->start_line, &r->place);
    r->fields = http_fields_new(conversation_spares(r->conversation, SPARE_HTTP_FIELDS),
                                conversation_limits(r->conversation)->header_bytes);
    if (!r->fields)
        http_message_free(&r->message);
    r->at = r->line_offset + r->start_line.length;
    buffer_clear(&r->line);
    r->in_head = true;
    r->no_body = r->in_span = r->until_close = r->in_chunk_head = false;
    r->ended = r->lost_track = r->lost_start = false;
    r->declined_to = 0;
    llhttp_init(&r->parser, asks ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    llhttp_set_lenient_headers(&r->parser, 1);
    llhttp_set_lenient_chunked_length(&r->parser, 1);
    r->parser.data = r;
    llhttp_execute(&r->parser, asks ? request : answer,
                   asks ? sizeof request - 1 : sizeof answer - 1);
    return r->message;
}

void http_reader_expect_no_body(struct http_reader *r)
{
    r->no_body = true;
}

/* ---- within a message ----------------------------------------------------------------------- */

static enum http_step end_message(struct http_reader *r, enum http_progress how)
{
    int error = http_message_end(r->message, how, r->fields);
    r->message = NULL;
    conversation_cost(r->conversation, COST_FIELDS, http_fields_dropped(r->fields));
    http_fields_free(&r->fields);
    return error ? HTTP_STEP_ERROR : HTTP_STEP_OVER;
}

/* Bytes of the span that llhttp has yet to see. */
static uint64_t span_left(const struct http_reader *r)
{
    return r->in_span ? r->parser.content_length : 0;
}

/* Says what is not wanted of a body of which nothing more can count. The last byte of a span is
 * asked for: that it comes, or that it was lost with others behind it, tells that the stream got
 * as far. */
static void decline(struct http_reader *r)
{
    if (!body_sated(http_message_body(r->message)))
        return;
    if (r->until_close)
        conversation_want(r->conversation, r->direction, TAPLINE_WANT_NOTHING, r->at);
    uint64_t left = span_left(r);
    if (left <= WORTH_DECLINING || left > UINT64_MAX - r->at || r->at < r->declined_to)
        return;
    r->declined_to = r->at + left - 1;
    conversation_want(r->conversation, r->direction, TAPLINE_WANT_FROM, r->declined_to);
}

/* Has llhttp read on; returns how many of the bytes it took. */
static size_t feed(struct http_reader *r, const char *bytes, size_t length, enum http_step *step)
{
    llhttp_errno_t result = llhttp_execute(&r->parser, bytes, length);
    *step = HTTP_STEP_MORE;
    if (result == HPE_OK)
        return length;
    if (result != HPE_PAUSED) {
        *step = r->fault ? HTTP_STEP_ERROR : end_message(r, HTTP_CUT);
        return length;
    }
    if (r->ended)
        *step = end_message(r, HTTP_ENDED);
    size_t taken = (size_t)(llhttp_get_error_pos(&r->parser) - bytes);
    llhttp_resume(&r->parser);
    return taken;
}

/* Reads the line ahead of a chunk (RFC 9112, section 7.1). llhttp gets the number and the line's
 * end: it refuses the blanks that may stand between, and some servers send. */
static size_t read_chunk_head(struct http_reader *r, const uint8_t *bytes, size_t length,
                              enum http_step *step)
{
    size_t at = 0;
    for (*step = HTTP_STEP_MORE; *step == HTTP_STEP_MORE && at < length && r->in_chunk_head; at++) {
        r->in_extension = r->in_extension || memchr(" \t;\r", bytes[at], 4);
        if (bytes[at] == '\n')
            feed(r, "\r\n", 2, step);
        else if (!r->in_extension)
            feed(r, (const char *)bytes + at, 1, step);
    }
    return at;
}

/* Reads bytes of the message that is open, up to its end or to theirs. */
static enum http_step read_on(struct http_reader *r, const uint8_t *bytes, size_t length,
                              size_t *used)
{
    enum http_step step = HTTP_STEP_MORE;
    size_t at = 0;
    while (step == HTTP_STEP_MORE && at < length) {
        size_t taken = r->in_chunk_head ? read_chunk_head(r, bytes + at, length - at, &step)
                                        : feed(r, (const char *)bytes + at, length - at, &step);
        r->at += taken;
        at += taken;
    }
    if (step == HTTP_STEP_OVER && !r->ended) {
        seek_turn(r, r->at + (length - at));
        at = length;
    }
    *used += at;
    return step;
}

/* Feeds a span's bytes that are not there. */
static enum http_step fill(struct http_reader *r, uint64_t length)
{
    enum http_step step = HTTP_STEP_MORE;
    while (length && step == HTTP_STEP_MORE) {
        size_t part = length < sizeof absent ? (size_t)length : sizeof absent;
        feed(r, absent, part, &step);
        r->at += part;
        length -= part;
    }
    return step;
}

/* Bytes of the stream up to `end` were lost. */
static enum http_step lose(struct http_reader *r, uint64_t end)
{
    uint64_t length = end - r->at, left = span_left(r);
    bool chunk = r->parser.flags & F_CHUNKED;
    enum http_step step = HTTP_STEP_MORE;
    if (left && (length <= left || !chunk)) {
        body_hole(http_message_body(r->message));
        step = fill(r, length < left ? length : left);
    } else if (r->until_close) {
        body_hole(http_message_body(r->message));
        r->at = end;
    } else {
        step = end_message(r, HTTP_CUT);
    }
    r->lost_track = step == HTTP_STEP_OVER && r->at < end;
    if (step == HTTP_STEP_MORE)
        decline(r);
    return step;
}

/* Steps to where an event begins: over what was declined, and over what is missing without a word.
 */
static enum http_step step_to(struct http_reader *r, uint64_t offset)
{
    enum http_step step = HTTP_STEP_MORE;
    if (offset > r->at && r->at < r->declined_to) {
        uint64_t declined = (offset < r->declined_to ? offset : r->declined_to) - r->at;
        step = fill(r, declined);
    }
    return step == HTTP_STEP_MORE && offset > r->at ? lose(r, offset) : step;
}

enum http_step http_reader_data(struct http_reader *r, const struct event_data *data, size_t *used)
{
    if (!r->message)
        return read_start(r, data, used);
    enum http_step step = step_to(r, data->offset + *used);
    if (step != HTTP_STEP_MORE)
        return step;
    step = read_on(r, data->bytes + *used, data->length - *used, used);
    if (step == HTTP_STEP_MORE)
        decline(r);
    return step;
}

enum http_step http_reader_gap(struct http_reader *r, const struct event_gap *gap)
{
    uint64_t end = gap->offset + gap->length;
    enum http_step step = r->message ? step_to(r, gap->offset) : HTTP_STEP_MORE;
    if (!r->message) {
        buffer_clear(&r->line);
        r->lost_start = r->lost_start || !r->lost_track;
        r->lost_track = true;
    } else if (end > r->at) {
        step = lose(r, end);
    }
    return step;
}

enum http_step http_reader_end(struct http_reader *r, bool fin)
{
    if (!r->message)
        return HTTP_STEP_MORE;
    return end_message(r, r->until_close && fin ? HTTP_ENDED : HTTP_CUT);
}

/* ---- tunnels -------------------------------------------------------------------------------- */

void http_reader_begin_tunnel(struct http_reader *r)
{
    buffer_clear(&r->line);
    r->lost_track = r->lost_start = false;
    r->tunnel = true;
}

bool http_reader_undecided(const struct http_reader *r)
{
    return r->tunnel && r->line.length > 0;
}

bool http_reader_pending(const struct http_reader *r, struct event_data *pending)
{
    *pending = (struct event_data){
        .direction = (uint8_t)r->direction,
        .flags = r->place.leads ? TAPLINE_TURN : 0,
        .offset = r->line_offset,
        .time_ns = r->place.time_ns,
        .packet = r->place.packet,
        .bytes = r->line.bytes,
        .length = (uint32_t)r->line.length,
    };
    return r->line.length > 0;
}
