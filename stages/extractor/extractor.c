#include "stages/extractor/extractor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/base/cache.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/table.h"
#include "common/bus/stage.h"
#include "common/bus/watermark.h"
#include "stages/extractor/certificate_cache.h"
#include "stages/extractor/conversation.h"
#include "stages/extractor/protocol.h"

struct flow {
    struct conversation *conversation;
    const struct protocol *protocol; /* NULL: no hint names one that is known here */
    void *state;                     /* the protocol's */
    uint64_t received;               /* DATA and GAP events, also those that were declined */
    uint32_t from;                   /* whence they come */
    struct hold *hold;               /* NULL: the protocol holds nothing */
};

struct extractor {
    struct conversation_ground ground;
    struct table flows;
    struct pool pool; /* of struct flow */
    struct watermark *watermark;
};

/* Which protocol reads a flow, by the hint that the classifier gave. */
static const struct {
    uint32_t hint;
    const struct protocol *protocol;
} protocols[] = {
    {TAPLINE_HINT_HTTP, &protocol_http},
    {TAPLINE_HINT_TLS, &protocol_tls},
    {TAPLINE_HINT_DNS, &protocol_dns},
    {TAPLINE_HINT_QUIC, &protocol_quic},
};

static const struct protocol *protocol_for(uint32_t hints)
{
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (hints & protocols[i].hint)
            return protocols[i].protocol;
    return NULL;
}

struct extractor *extractor_new(const struct capture *capture, const struct outlet *outlet,
                                int *error)
{
    struct extractor *extractor = calloc(1, sizeof *extractor);
    if (extractor) {
        extractor->ground.certificates = certificate_cache_new();
        extractor->watermark = watermark_new();
    }
    if (!extractor || !extractor->ground.certificates || !extractor->watermark) {
        extractor_free(&extractor);
        *error = -ENOMEM;
        return NULL;
    }
    extractor->ground.limits = capture->limits;
    extractor->ground.outlet = outlet;
    return extractor;
}

/* Its own memory goes back to the pool, or with the pool. */
static void flow_drop(void *object)
{
    struct flow *flow = object;
    if (flow->protocol)
        flow->protocol->free(&flow->state);
    conversation_free(&flow->conversation);
    watermark_let_go(&flow->hold);
}

static void flow_free(struct extractor *extractor, struct flow *flow)
{
    flow_drop(flow);
    pool_put(&extractor->pool, flow);
}

static void report_costs(const uint64_t costs[COSTS])
{
    static const char *const what[COSTS] = {
        [COST_FIELDS] = "HTTP header fields behind --header-bytes",
        [COST_WAITING] = "HTTP requests that --http-waiting kept from their answers",
        [COST_ADDRESSES] = "addresses of WebSocket frames that held too many",
        [COST_HANDSHAKE] = "TLS handshake messages longer than --handshake",
        [COST_CHAIN] = "certificates behind the --chain of their message",
        [COST_QUIC] = "QUIC hellos longer than --quic-crypto, or in too many pieces",
        [COST_HELD] = "times that too much followed an HTTP request to change protocols",
    };
    for (int i = 0; i < COSTS; i++)
        if (costs[i])
            log_info("limits: %" PRIu64 " %s", costs[i], what[i]);
}

void extractor_free(struct extractor **extractor)
{
    if (!*extractor)
        return;
    report_costs((*extractor)->ground.costs);
    table_free(&(*extractor)->flows, flow_drop);
    certificate_cache_free(&(*extractor)->ground.certificates);
    conversation_ground_clear(&(*extractor)->ground);
    pool_free(&(*extractor)->pool);
    watermark_free(&(*extractor)->watermark);
    free(*extractor);
    *extractor = NULL;
}

static struct flow *flow_new(struct extractor *extractor, uint32_t from, const struct event *event)
{
    struct flow *flow = pool_take(&extractor->pool, sizeof *flow);
    if (!flow)
        return NULL;
    *flow = (struct flow){
        .conversation = conversation_new(&extractor->ground, event->flow, from, &event->open),
        .from = from,
    };
    const struct protocol *protocol = protocol_for(event->open.hints);
    if (flow->conversation && protocol) {
        flow->state = protocol->open(flow->conversation);
        flow->protocol = flow->state ? protocol : NULL;
    }
    if (!flow->conversation || (protocol && !flow->state)) {
        flow_free(extractor, flow);
        return NULL;
    }
    return flow;
}

static int on_open(struct extractor *extractor, uint32_t from, const struct event *event)
{
    struct flow *flow = flow_new(extractor, from, event);
    if (!flow)
        return -ENOMEM;
    int error = table_add(&extractor->flows, event->flow, flow);
    if (error)
        flow_free(extractor, flow);
    return error;
}

static int note_held(const struct extractor *extractor, struct flow *flow, uint64_t id)
{
    if (flow->protocol->holds && flow->protocol->holds(flow->state))
        return watermark_hold(extractor->watermark, flow->from, id, &flow->hold);
    watermark_let_go(&flow->hold);
    return 0;
}

static int on_data(const struct extractor *extractor, struct flow *flow, const struct event *event)
{
    struct event_data data = event->data;
    flow->received++;
    if (!flow->protocol || !conversation_admits_data(flow->conversation, &data))
        return 0;
    int error = flow->protocol->data(flow->state, &data);
    return error ? error : note_held(extractor, flow, event->flow);
}

static int on_gap(const struct extractor *extractor, struct flow *flow, const struct event *event)
{
    struct event_gap gap = event->gap;
    flow->received++;
    if (!flow->protocol || !flow->protocol->gap ||
        !conversation_admits_gap(flow->conversation, &gap))
        return 0;
    int error = flow->protocol->gap(flow->state, &gap);
    return error ? error : note_held(extractor, flow, event->flow);
}

static int on_close(struct extractor *extractor, struct flow *flow, const struct event *event)
{
    int error = 0;
    if (flow->protocol)
        error = flow->protocol->close(flow->state, &event->close.figures);
    if (!error)
        error = conversation_close(flow->conversation, event, flow->received);
    table_take(&extractor->flows, event->flow);
    flow_free(extractor, flow);
    return error;
}

/* The table's places first, all of them on their way at once, then what they lead to. */
void extractor_expect(const struct extractor *extractor, const struct event *events,
                      uint32_t count)
{
    const struct flow *flows[STAGE_AHEAD];
    for (uint32_t i = 0; i < count; i++)
        table_prefetch(&extractor->flows, events[i].flow);
    for (uint32_t i = 0; i < count; i++) {
        flows[i] = table_find(&extractor->flows, events[i].flow);
        cache_fetch(flows[i], sizeof *flows[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!flows[i])
            continue;
        conversation_expect(flows[i]->conversation, &events[i]);
        __builtin_prefetch(flows[i]->state);
    }
}

int extractor_mark(struct extractor *extractor, uint32_t from, const struct mark *mark)
{
    return watermark_pass(extractor->watermark, from, mark, extractor->ground.outlet);
}

int extractor_event(struct extractor *extractor, uint32_t from, const struct event *event)
{
    struct flow *flow = table_find(&extractor->flows, event->flow);
    if (!flow != (event->kind == TAPLINE_OPEN)) {
        log_error("flow %" PRIx64 ": event %" PRIu32 " for a flow that %s: the stage before is "
                  "another version, or broken",
                  event->flow, event->kind, flow ? "is open already" : "was never opened");
        return ERR_MALFORMED;
    }
    switch (event->kind) {
    case TAPLINE_OPEN: return on_open(extractor, from, event);
    case TAPLINE_DATA: return on_data(extractor, flow, event);
    case TAPLINE_GAP: return on_gap(extractor, flow, event);
    case TAPLINE_CLOSE: return on_close(extractor, flow, event);
    case TAPLINE_RECORD: return conversation_hand_on(flow->conversation, event);
    }
    return ERR_MALFORMED;
}
