#include "stages/extractor/http_exchanges.h"

#include <errno.h>
#include <stdlib.h>

#include "common/wire/pack.h"

struct exchange {
    struct exchange *next;
    struct http_message *request; /* NULL: not seen */
    struct http_message *answer;  /* NULL: not seen, or not yet */
    bool forsaken;                /* no answer will come, or none that could be told to be its */
};

/* In the order of the requests: first those that are answered, then those that wait. An answer may
 * stand there before its request: while the requester's direction is held up by a hole, what the
 * capture saw earlier comes later. */
struct http_exchanges {
    struct conversation *conversation;
    int requester;
    struct exchange *first;
    struct exchange *last;
    uint64_t count;
    uint64_t strays; /* answers to come whose requests were recorded without them */
    uint64_t heard;  /* the requester's bytes were read up to this packet */
};

struct http_exchanges *http_exchanges_new(struct conversation *conversation)
{
    struct http_exchanges *x =
        pool_take(conversation_pool(conversation, POOL_HTTP_EXCHANGES), sizeof *x);
    if (x)
        *x = (struct http_exchanges){.conversation = conversation};
    return x;
}

static void exchange_free(struct http_exchanges *x, struct exchange *exchange)
{
    http_message_free(&exchange->request);
    http_message_free(&exchange->answer);
    pool_put(conversation_pool(x->conversation, POOL_HTTP_EXCHANGE), exchange);
}

void http_exchanges_free(struct http_exchanges **exchanges)
{
    if (!*exchanges)
        return;
    for (struct exchange *at = (*exchanges)->first, *next; at; at = next) {
        next = at->next;
        exchange_free(*exchanges, at);
    }
    pool_put(conversation_pool((*exchanges)->conversation, POOL_HTTP_EXCHANGES), *exchanges);
    *exchanges = NULL;
}

void http_exchanges_set_requester(struct http_exchanges *x, int requester)
{
    x->requester = requester;
}

/* ---- records -------------------------------------------------------------------------------- */

enum { OWN_KEYS = 4 };

/* The connection, named from the side that requests. */
static void pack_connection(const struct http_exchanges *x, struct buffer *map)
{
    char text[IP_PORT_TEXT];
    pack_str(map, "ip_port");
    pack_str(map, conversation_ip_port(x->conversation, x->requester, text));
    pack_str(map, "start_timestamp");
    pack_time(map, conversation_open(x->conversation)->time_ns);
}

static int send_record(struct http_exchanges *x, const struct exchange *exchange)
{
    const struct http_message *request = exchange->request, *answer = exchange->answer;
    const struct http_place *place = http_message_place(request ? request : answer);
    struct buffer *map = conversation_room(x->conversation, ROOM_RECORD);
    pack_map(map, OWN_KEYS + 2 * HTTP_MESSAGE_KEYS);
    pack_connection(x, map);
    pack_str(map, "requester");
    pack_int(map, x->requester);
    pack_str(map, "complete");
    pack_bool(map,
              request && answer && http_message_complete(request) && http_message_complete(answer));
    http_message_pack(request, START_LINE_REQUEST, map);
    http_message_pack(answer, START_LINE_STATUS, map);
    return conversation_record(x->conversation, TAPLINE_RECORD_HTTP, place->time_ns, place->packet,
                               map);
}

/* Takes the exchange behind `before` out, or the first one, and frees it. */
static void unlink_exchange(struct http_exchanges *x, struct exchange *before)
{
    struct exchange **link = before ? &before->next : &x->first, *out = *link;
    *link = out->next;
    if (x->last == out)
        x->last = before;
    x->count--;
    exchange_free(x, out);
}

static int record_first(struct http_exchanges *x)
{
    int error = send_record(x, x->first);
    unlink_exchange(x, NULL);
    return error;
}

static bool is_over(const struct http_message *message)
{
    return http_message_progress(message) != HTTP_ARRIVING;
}

/* Whether no request can come any more that was sent before this answer. */
static bool is_unasked(const struct http_exchanges *x, const struct exchange *exchange)
{
    return x->heard > http_message_place(exchange->answer)->packet ||
           x->count >= conversation_limits(x->conversation)->http_waiting;
}

static bool is_settled(const struct http_exchanges *x, const struct exchange *exchange)
{
    bool asked = exchange->request ? is_over(exchange->request) : is_unasked(x, exchange);
    return asked && (exchange->forsaken || (exchange->answer && is_over(exchange->answer)));
}

int http_exchanges_heard(struct http_exchanges *x, uint64_t packet)
{
    if (packet > x->heard)
        x->heard = packet;
    bool unasked = x->first && !x->first->request;
    return unasked ? http_exchanges_settle(x) : 0;
}

int http_exchanges_settle(struct http_exchanges *x)
{
    int error = 0;
    while (!error && x->first && is_settled(x, x->first))
        error = record_first(x);
    return error;
}

int http_exchanges_close(struct http_exchanges *x)
{
    int error = 0;
    while (!error && x->first)
        error = record_first(x);
    x->strays = 0;
    return error;
}

/* ---- pairing -------------------------------------------------------------------------------- */

/* Puts a new exchange behind `place`, or first. */
static struct exchange *insert(struct http_exchanges *x, struct exchange *place)
{
    struct exchange *exchange =
        pool_take(conversation_pool(x->conversation, POOL_HTTP_EXCHANGE), sizeof *exchange);
    if (!exchange)
        return NULL;
    struct exchange **link = place ? &place->next : &x->first;
    *exchange = (struct exchange){.next = *link};
    *link = exchange;
    if (x->last == place)
        x->last = exchange;
    x->count++;
    return exchange;
}

/* The first exchange that waits for its answer, and the one before it; NULL: none. */
static struct exchange *waiting(const struct http_exchanges *x, struct exchange **before)
{
    struct exchange *at = x->first;
    for (*before = NULL; at && (at->answer || at->forsaken); at = at->next)
        *before = at;
    return at;
}

/* Records the oldest request that waits as unanswered; its answer, should it come, is a stray. */
static int give_up_oldest(struct http_exchanges *x)
{
    struct exchange *before, *oldest = waiting(x, &before);
    if (!oldest)
        return 0;
    conversation_cost(x->conversation, COST_WAITING, 1);
    x->strays++;
    int error = send_record(x, oldest);
    unlink_exchange(x, before);
    return error;
}

/* The first answer that stands there without its request and was sent after this one; NULL: none.
 */
static struct exchange *answered_already(const struct http_exchanges *x,
                                         const struct http_message *request)
{
    struct exchange *at = x->first;
    while (at && (at->request ||
                  http_message_place(at->answer)->packet < http_message_place(request)->packet))
        at = at->next;
    return at;
}

/* Requests are read one after the other, so all that wait are over when the next one begins. */
int http_exchanges_ask(struct http_exchanges *x, struct http_message **request)
{
    int error = 0;
    struct exchange *answered = answered_already(x, *request);
    if (answered) {
        answered->request = *request;
        *request = NULL;
        return 0;
    }
    if (x->count >= conversation_limits(x->conversation)->http_waiting)
        error = give_up_oldest(x);
    struct exchange *exchange = error ? NULL : insert(x, x->last);
    if (!exchange) {
        http_message_free(request);
        return error ? error : -ENOMEM;
    }
    exchange->request = *request;
    *request = NULL;
    return 0;
}

void http_exchanges_lose_track(struct http_exchanges *x, bool leads, bool lost_one)
{
    struct exchange *before, *at = waiting(x, &before);
    if (lost_one && at && at->next) {
        at->forsaken = true;
        at = at->next;
        leads = false;
    }
    struct exchange *leader = at;
    for (struct exchange *later = at; later; later = later->next)
        if (http_message_place(later->request)->leads)
            leader = later;
    if (leader && leader->next && !leads)
        leader = NULL;
    for (; at != leader; at = at->next)
        at->forsaken = true;
    x->strays = 0;
}

const struct http_message *http_exchanges_awaiting(const struct http_exchanges *x)
{
    struct exchange *before, *exchange = x->strays ? NULL : waiting(x, &before);
    return exchange ? exchange->request : NULL;
}

int http_exchanges_answer(struct http_exchanges *x, struct http_message **answer)
{
    struct exchange *before, *exchange = waiting(x, &before);
    if (x->strays || !exchange) {
        x->strays -= x->strays > 0;
        exchange = insert(x, before);
    }
    if (!exchange) {
        http_message_free(answer);
        return -ENOMEM;
    }
    exchange->answer = *answer;
    *answer = NULL;
    return 0;
}

bool http_exchanges_undecided(const struct http_exchanges *x)
{
    const struct exchange *last = x->last;
    return last && last->request && is_over(last->request) && !last->forsaken &&
           http_message_asks_switch(last->request) && !(last->answer && is_over(last->answer));
}
