/*
 * HTTP/1 (RFC 9112): one reader for each direction, the exchanges that they make, and what follows
 * once the two sides have agreed to speak something else.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "stages/extractor/http_exchanges.h"
#include "stages/extractor/http_held.h"
#include "stages/extractor/http_reader.h"
#include "stages/extractor/protocol.h"
#include "stages/extractor/websocket.h"

enum { UNKNOWN = -1 };

struct http {
    struct conversation *conversation;
    struct http_reader *reader[DIRECTIONS];
    struct http_exchanges *exchanges;
    int requester;                /* the direction that requests, or UNKNOWN */
    struct http_message *interim; /* an answer before the answer (RFC 9110, section 15.2) */
    struct http_message *answer;  /* the last one that began, which its exchange owns */
    bool switches;                /* and with its end the protocol changes */
    struct http_held held;        /* what the requester sent while that was not known */
    bool impatient;               /* that is not waited for any more */
    bool over;                    /* nothing more is looked at */
    const struct protocol *inner; /* what reads the flow now; NULL: HTTP */
    void *inner_state;
};

static int http_data(void *state, const struct event_data *data);
static int http_gap(void *state, const struct event_gap *gap);

static void http_free(void **state)
{
    struct http *h = *state;
    if (!h)
        return;
    if (h->inner)
        h->inner->free(&h->inner_state);
    for (int side = 0; side < DIRECTIONS; side++)
        http_reader_free(&h->reader[side]);
    http_exchanges_free(&h->exchanges);
    http_message_free(&h->interim);
    http_held_free(&h->held);
    pool_put(conversation_pool(h->conversation, POOL_HTTP), h);
    *state = NULL;
}

static void *http_open(struct conversation *conversation)
{
    struct http *h = pool_take(conversation_pool(conversation, POOL_HTTP), sizeof *h);
    if (!h)
        return NULL;
    *h = (struct http){
        .conversation = conversation,
        .exchanges = http_exchanges_new(conversation),
        .requester = UNKNOWN,
    };
    bool made = h->exchanges;
    for (int side = 0; side < DIRECTIONS; side++) {
        h->reader[side] = http_reader_new(conversation, side);
        made = made && h->reader[side];
    }
    void *state = h;
    if (!made)
        http_free(&state);
    return state;
}

/* ---- another protocol ----------------------------------------------------------------------- */

static int hand_over(struct http *h, const struct protocol *inner)
{
    h->inner_state = inner->open(h->conversation);
    h->inner = h->inner_state ? inner : NULL;
    return h->inner ? 0 : -ENOMEM;
}

/* A TLS hello within a tunnel: what the readers looked at belongs to it, in both directions. */
static int begin_tls(struct http *h)
{
    int error = hand_over(h, &protocol_tls);
    for (int side = 0; side < DIRECTIONS && !error; side++) {
        struct event_data pending;
        if (http_reader_pending(h->reader[side], &pending))
            error = h->inner->data(h->inner_state, &pending);
    }
    return error;
}

static void ignore_all(struct http *h)
{
    h->over = true;
    for (int side = 0; side < DIRECTIONS; side++)
        conversation_want(h->conversation, side, TAPLINE_WANT_NOTHING, 0);
}

/* Frames are worth reading only for the addresses that they may hold. */
static int begin_websocket(struct http *h)
{
    if (conversation_open(h->conversation)->hints & TAPLINE_HINT_WS_ADDRESSES)
        return hand_over(h, &protocol_websocket);
    ignore_all(h);
    return 0;
}

/* The answer that was agreed on is over: what both sides say from here on is looked at anew. */
static int switch_protocols(struct http *h)
{
    bool websocket = http_message_is_websocket(h->answer);
    if (http_reader_end(h->reader[h->requester], false) == HTTP_STEP_ERROR)
        return -ENOMEM;
    int error = http_exchanges_close(h->exchanges);
    h->answer = NULL;
    h->requester = UNKNOWN;
    for (int side = 0; side < DIRECTIONS; side++)
        http_reader_begin_tunnel(h->reader[side]);
    return !error && websocket ? begin_websocket(h) : error;
}

/* ---- messages ------------------------------------------------------------------------------- */

static int begin_request(struct http *h, struct http_reader *reader)
{
    struct http_message *request = http_reader_begin(reader);
    if (!request)
        return -ENOMEM;
    int error = conversation_note_request(h->conversation, http_message_place(request)->time_ns);
    if (error)
        http_message_free(&request);
    else
        error = http_exchanges_ask(h->exchanges, &request);
    return error;
}

enum { SWITCHING = 101, OK = 200, NO_CONTENT = 204, REDIRECT = 300, UNMODIFIED = 304 };

static int begin_answer(struct http *h, struct http_reader *reader)
{
    bool lost_track = http_reader_lost_track(reader), lost_one = http_reader_lost_start(reader);
    struct http_message *answer = http_reader_begin(reader);
    if (!answer)
        return -ENOMEM;
    if (lost_track)
        http_exchanges_lose_track(h->exchanges, http_message_place(answer)->leads, lost_one);
    const struct http_message *request = http_exchanges_awaiting(h->exchanges);
    int status = http_message_status(answer);
    bool connects =
        request && http_message_method_is(request, "CONNECT") && status >= OK && status < REDIRECT;
    bool head = request && http_message_method_is(request, "HEAD");
    if (status < OK || status == NO_CONTENT || status == UNMODIFIED || head || connects)
        http_reader_expect_no_body(reader);
    h->switches = status == SWITCHING || connects;
    if (status < OK && status != SWITCHING) {
        h->interim = answer;
        return 0;
    }
    h->answer = answer;
    return http_exchanges_answer(h->exchanges, &answer);
}

/* A start line: a request from the side that requests, or an answer from the other. */
static int on_start(struct http *h, const struct event_data *data, size_t *used)
{
    struct http_reader *reader = h->reader[data->direction];
    bool request = http_reader_kind(reader) == START_LINE_REQUEST;
    int requester = request ? data->direction : !data->direction;
    if (h->requester == UNKNOWN) {
        h->requester = requester;
        http_exchanges_set_requester(h->exchanges, requester);
    }
    if (h->requester != requester) {
        http_reader_refuse(reader, data);
        *used = data->length;
        return 0;
    }
    return request ? begin_request(h, reader) : begin_answer(h, reader);
}

static int on_over(struct http *h, int direction)
{
    if (direction != h->requester && h->interim) {
        http_message_free(&h->interim);
        return 0;
    }
    if (direction != h->requester && h->switches && http_message_progress(h->answer) == HTTP_ENDED)
        return switch_protocols(h);
    return http_exchanges_settle(h->exchanges);
}

/* ---- what waits for an answer --------------------------------------------------------------- */

static bool must_wait(const struct http *h, int direction)
{
    return !h->inner && !h->impatient && direction == h->requester &&
           http_exchanges_undecided(h->exchanges);
}

/* Reads an event that was kept back, if it is still wanted. */
static int read_held(struct http *h, struct http_held_event event)
{
    if (event.is_gap)
        return conversation_admits_gap(h->conversation, &event.gap) ? http_gap(h, &event.gap) : 0;
    return conversation_admits_data(h->conversation, &event.data) ? http_data(h, &event.data) : 0;
}

/* Reads what was kept back; some of it may be kept back again. */
static int release(struct http *h)
{
    struct http_held held = h->held;
    h->held = (struct http_held){0};
    struct http_held_event event;
    int error = 0;
    for (size_t at = 0; !error && http_held_next(&held, &at, &event);)
        error = read_held(h, event);
    http_held_free(&held);
    return error;
}

static int stop_waiting(struct http *h)
{
    h->impatient = true;
    return release(h);
}

/* Keeps an event back; where there is too much already, HTTP is taken to go on. */
static int hold(struct http *h, const struct http_held_event *event)
{
    int error = http_held_add(&h->held, event);
    if (error != ERR_LIMIT)
        return error;
    conversation_cost(h->conversation, COST_HELD, 1);
    error = stop_waiting(h);
    return error ? error : read_held(h, *event);
}

static int release_if_decided(struct http *h)
{
    if (h->held.events.length == 0 || must_wait(h, h->requester))
        return 0;
    return release(h);
}

/* ---- the protocol --------------------------------------------------------------------------- */

static int on_step(struct http *h, const struct event_data *data, enum http_step step, size_t *used)
{
    int error = 0;
    switch (step) {
    case HTTP_STEP_MORE: return 0;
    case HTTP_STEP_START: return on_start(h, data, used);
    case HTTP_STEP_HELLO: return begin_tls(h);
    case HTTP_STEP_ERROR: return -ENOMEM;
    case HTTP_STEP_OVER:
        error = on_over(h, data->direction);
        return error ? error : release_if_decided(h);
    }
    return 0;
}

static struct event_data behind(const struct event_data *data, size_t used)
{
    struct event_data rest = *data;
    rest.bytes += used;
    rest.length -= (uint32_t)used;
    rest.offset += used;
    if (used)
        rest.flags &= ~(uint32_t)TAPLINE_TURN;
    return rest;
}

static int http_data(void *state, const struct event_data *data)
{
    struct http *h = state;
    int error = 0;
    for (size_t used = 0; !error && !h->over && used < data->length;) {
        struct event_data rest = behind(data, used);
        if (h->inner)
            return h->inner->data(h->inner_state, &rest);
        if (must_wait(h, data->direction))
            return hold(h, &(struct http_held_event){.data = rest});
        enum http_step step = http_reader_data(h->reader[data->direction], data, &used);
        error = on_step(h, data, step, &used);
    }
    if (!error && !h->over && !h->inner && data->direction == h->requester)
        error = http_exchanges_heard(h->exchanges, data->packet);
    return error;
}

static int http_gap(void *state, const struct event_gap *gap)
{
    struct http *h = state;
    if (h->over)
        return 0;
    if (h->inner)
        return h->inner->gap ? h->inner->gap(h->inner_state, gap) : 0;
    if (must_wait(h, gap->direction))
        return hold(h, &(struct http_held_event){.is_gap = true, .gap = *gap});
    enum http_step step = http_reader_gap(h->reader[gap->direction], gap);
    if (step == HTTP_STEP_ERROR)
        return -ENOMEM;
    int error = step == HTTP_STEP_OVER ? on_over(h, gap->direction) : 0;
    return error ? error : release_if_decided(h);
}

/* Within a tunnel TLS may follow, which then begins with what was kept back or looked at. */
static bool http_holds(const void *state)
{
    const struct http *h = state;
    if (h->inner)
        return h->inner->holds && h->inner->holds(h->inner_state);
    return !h->over && (h->held.events.length || http_reader_undecided(h->reader[0]) ||
                        http_reader_undecided(h->reader[1]));
}

static int http_close(void *state, const struct figures *figures)
{
    struct http *h = state;
    int error = stop_waiting(h);
    for (int side = 0; side < DIRECTIONS && !error; side++)
        if (http_reader_end(h->reader[side], figures->ended[side]) == HTTP_STEP_ERROR)
            error = -ENOMEM;
    if (!error)
        error = http_exchanges_close(h->exchanges);
    return error || !h->inner ? error : h->inner->close(h->inner_state, figures);
}

const struct protocol protocol_http = {
    .name = "http",
    .open = http_open,
    .data = http_data,
    .gap = http_gap,
    .holds = http_holds,
    .close = http_close,
    .free = http_free,
};
