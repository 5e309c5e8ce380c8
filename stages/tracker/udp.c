#include "stages/tracker/udp.h"

int udp_datagram(struct handoff *handoff, struct flow *flow, int direction, uint64_t index,
                 const struct packet *packet, const struct frame *frame)
{
    const struct extent *payload = &packet->payload;
    bool turn = flow->speaker != direction;
    flow_speaks(flow, direction);
    struct event event;
    event.data = (struct event_data){
        .direction = (uint8_t)direction,
        .flags = turn ? TAPLINE_TURN : 0,
        .offset = index,
        .time_ns = frame->time_ns,
        .packet = frame->number,
        .missing = payload->length - payload->captured,
        .bytes = payload->bytes,
        .length = payload->captured,
    };
    return handoff_data(handoff, flow, &event, index + 1);
}
