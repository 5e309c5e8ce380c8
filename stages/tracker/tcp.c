#include "stages/tracker/tcp.h"

#include "stages/tracker/moment.h"

bool tcp_initiates(const struct packet *packet)
{
    return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK);
}

bool tcp_starts_anew(const struct flow *flow, int direction, const struct packet *packet)
{
    const struct tcp_side *sender = &flow_sides(flow)[direction];
    return packet->tcp_flags & TCP_SYN && sender->known != KNOWN_NOT &&
           packet->seq != sender->initial;
}

/* A sender's own first segment tells its initial number; until it sends, the peer's does. */
static void learn_initial(struct flow *flow, int direction, const struct packet *p)
{
    struct tcp_side *side = flow_tcp(flow)->side;
    struct tcp_side *sender = &side[direction], *peer = &side[!direction];
    /* A reset that answers no acknowledgment carries 0, a number of nobody's (RFC 9293, 3.5.2). */
    bool own = !(p->tcp_flags & TCP_RST && p->seq == 0);
    if (sender->known != KNOWN_BY_SELF && own) {
        sender->initial = p->tcp_flags & TCP_SYN ? p->seq : p->seq - 1;
        sender->known = KNOWN_BY_SELF;
    }
    if (peer->known == KNOWN_NOT && p->tcp_flags & TCP_ACK) {
        peer->initial = p->ack - 1;
        peer->known = KNOWN_BY_PEER;
    }
}

static bool acknowledges(const struct packet *p, uint32_t seq)
{
    return p->tcp_flags & TCP_ACK && (int32_t)(p->ack - seq) > 0;
}

/* One half of the handshake took from `since` to `now`; the larger half counts. */
static void time_half(struct flow *flow, int64_t since, int64_t now)
{
    flow->figures.rtt_ns = moment_later(flow->figures.rtt_ns, moment_since(now, since));
}

/* SYN, SYN+ACK, ACK: each answer is measured from the last transmission before it. */
static void follow_handshake(struct flow *flow, int direction, const struct packet *p, int64_t now)
{
    struct tcp_flow *tcp = flow_tcp(flow);
    bool syn = p->tcp_flags & TCP_SYN, ack = p->tcp_flags & TCP_ACK;
    if (flow->handshake == HANDSHAKE_DONE || p->tcp_flags & TCP_RST)
        return;
    if (direction == FROM_INITIATOR && syn && !ack && flow->handshake <= HANDSHAKE_ASKED) {
        flow->handshake = HANDSHAKE_ASKED;
        tcp->unanswered_seq = p->seq;
        tcp->unanswered_ns = now;
    } else if (direction == FROM_RESPONDER && syn && ack) {
        if (flow->handshake == HANDSHAKE_ASKED && acknowledges(p, tcp->unanswered_seq))
            time_half(flow, tcp->unanswered_ns, now);
        flow->handshake = HANDSHAKE_ANSWERED;
        tcp->unanswered_seq = p->seq;
        tcp->unanswered_ns = now;
    } else if (direction == FROM_INITIATOR && !syn && flow->handshake == HANDSHAKE_ANSWERED &&
               acknowledges(p, tcp->unanswered_seq)) {
        time_half(flow, tcp->unanswered_ns, now);
        flow->handshake = HANDSHAKE_DONE;
    }
}

static void count_flags(struct flow *flow, int direction, uint8_t flags)
{
    struct figures *f = &flow->figures;
    if (!(flags & (TCP_SYN | TCP_FIN | TCP_RST))) /* as in most segments */
        return;
    f->syn += (flags & TCP_SYN) != 0;
    f->fin += (flags & TCP_FIN) != 0;
    f->rst += (flags & TCP_RST) != 0;
    if (flags & TCP_FIN)
        flow_tcp(flow)->side[direction].fin = true;
}

/* A SYN takes up one sequence number before the payload (which TCP Fast Open, RFC 7413, puts
 * there), a FIN one behind it. */
static int follow_stream(struct handoff *handoff, struct flow *flow, int direction,
                         const struct packet *p, const struct frame *frame)
{
    struct segment segment = {
        .seq = p->seq, .payload = p->payload, .time_ns = frame->time_ns, .packet = frame->number};
    if (p->tcp_flags & TCP_SYN) {
        segment.seq++;
        stream_begin(&flow_tcp(flow)->side[direction].stream, segment.seq);
    }
    if (p->tcp_flags & TCP_ACK)
        stream_acknowledge(&flow_tcp(flow)->side[!direction].stream, p->ack);
    int error = stream_segment(handoff, flow, direction, &segment);
    if (!error && p->tcp_flags & TCP_FIN)
        error = stream_fin(handoff, flow, direction, segment.seq + p->payload.length);
    return error;
}

/* What either side waited for long enough is lost. */
static int await_holes(struct handoff *handoff, struct flow *flow, int64_t now)
{
    int error = 0;
    for (int d = 0; d < DIRECTIONS && !error; d++)
        if (flow_tcp(flow)->side[d].stream.reorder)
            error = stream_await(handoff, flow, d, now);
    return error;
}

int tcp_segment(struct handoff *handoff, struct flow *flow, int direction,
                const struct packet *packet, const struct frame *frame)
{
    int error = 0;
    count_flags(flow, direction, packet->tcp_flags);
    learn_initial(flow, direction, packet);
    follow_handshake(flow, direction, packet, frame->time_ns);
    if (!(packet->tcp_flags & TCP_RST)) /* what a reset carries says why, and is no stream */
        error = follow_stream(handoff, flow, direction, packet, frame);
    const struct tcp_side *side = flow_sides(flow);
    bool holes = side[FROM_INITIATOR].stream.reorder || side[FROM_RESPONDER].stream.reorder;
    return error || !holes ? error : await_holes(handoff, flow, frame->time_ns);
}

int64_t tcp_idle_limit(const struct flow *flow, const struct limits *limits)
{
    const struct figures *f = &flow->figures;
    const struct tcp_side *side = flow_sides(flow);
    if (f->rst > 0 || (side[FROM_INITIATOR].fin && side[FROM_RESPONDER].fin))
        return limits->tcp_linger;
    if (f->packets[FROM_INITIATOR] == 0 || f->packets[FROM_RESPONDER] == 0)
        return limits->tcp_open_idle;
    return limits->tcp_idle;
}

int tcp_end(struct handoff *handoff, struct flow *flow)
{
    for (int d = 0; d < DIRECTIONS; d++) {
        int error = stream_end(handoff, flow, d);
        if (error)
            return error;
        flow->figures.ended[d] = stream_ended(&flow_tcp(flow)->side[d].stream);
    }
    return 0;
}
