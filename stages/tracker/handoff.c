#include "stages/tracker/handoff.h"

#include <assert.h>

static int send_open(struct handoff *handoff, const struct flow *flow, enum tapline_role to,
                     outlet_route *route)
{
    const struct figures *f = &flow->figures;
    struct event event;
    event.kind = TAPLINE_OPEN;
    event.flow = flow->id;
    event.open = (struct event_open){.transport = f->transport,
                                     .address = {f->address[0], f->address[1]},
                                     .port = {f->port[0], f->port[1]},
                                     .time_ns = f->start_ns};
    return outlet_event(handoff->outlet, to, route, &event);
}

int handoff_begin(struct handoff *handoff, const struct flow *flow)
{
    outlet_route none = 0; /* the flow's own leads to its classifier */
    return handoff->opens ? send_open(handoff, flow, TAPLINE_SINK, &none) : 0;
}

static int send_event(struct handoff *handoff, struct flow *flow, const struct event *event)
{
    if (!flow->opened) {
        int error = send_open(handoff, flow, TAPLINE_CLASSIFIER, &flow->route);
        flow->opened = true;
        if (error)
            return error;
    }
    flow->sent++;
    return outlet_event(handoff->outlet, TAPLINE_CLASSIFIER, &flow->route, event);
}

int handoff_data(struct handoff *handoff, struct flow *flow, struct event *event, uint64_t end)
{
    const struct event_data *data = &event->data;
    struct want *want = &flow->want[data->direction];
    if (data->flags & TAPLINE_TURN)
        want_turn(want, data->offset);
    if (!want_takes(want, end)) {
        handoff->counters.events_declined++;
        return 0;
    }
    assert(data->bytes || data->length == 0); /* what may be wanted was kept */
    event->kind = TAPLINE_DATA;
    event->flow = flow->id;
    return send_event(handoff, flow, event);
}

int handoff_gap(struct handoff *handoff, struct flow *flow, int direction, uint64_t offset,
                uint64_t length)
{
    if (!want_takes(&flow->want[direction], offset + length)) {
        handoff->counters.events_declined++;
        return 0;
    }
    struct event event;
    event.kind = TAPLINE_GAP;
    event.flow = flow->id;
    event.gap =
        (struct event_gap){.direction = (uint8_t)direction, .offset = offset, .length = length};
    return send_event(handoff, flow, &event);
}

int handoff_close(struct handoff *handoff, struct flow *flow, uint64_t period)
{
    struct event event = {
        .kind = TAPLINE_CLOSE,
        .flow = flow->id,
        .close = {.figures = flow->figures,
                  .trail = {{.role = TAPLINE_TRACKER, .sent = flow->sent}},
                  .trail_count = 1,
                  .period = period},
    };
    enum tapline_role to = flow->opened ? TAPLINE_CLASSIFIER : TAPLINE_SINK;
    return outlet_event(handoff->outlet, to, &flow->route, &event);
}
