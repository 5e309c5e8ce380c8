#include "stages/tracker/reassembly.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stages/tracker/flow.h"
#include "stages/tracker/handoff.h"
#include "stages/tracker/moment.h"

enum {
    WINDOW = 1 << 30,      /* the largest that a receiver can offer (RFC 7323, 2.3) */
    PATIENCE_PACKETS = 64, /* how long an acknowledged hole is waited for */
    BYTES_A_PIECE = 256,   /* pieces that wait may not be smaller than this on the average, */
    LEAST_PIECES = 64,     /* beyond so many: their number costs time and memory, too */
};
#define PATIENCE_NS MOMENT_SECONDS(1)
#define SILENCE_NS MOMENT_SECONDS(60) /* of a flow that was left, more likely than not */

/* Bytes of one packet at their place in the stream. What lies before the stream's beginning has
 * negative offsets. */
struct run {
    int64_t start, end;
    const uint8_t *bytes; /* NULL where nobody wants them */
    uint32_t captured;    /* of these, from the first on; the rest was cut off */
    int64_t time_ns;
    uint64_t packet;
    uint32_t turn; /* number of the turn that it came in */
};

/* A run that waits. */
struct piece {
    struct piece *next;
    struct run run;
    uint8_t bytes[];
};

/* What waits behind a hole: pieces by offset, which do not overlap, or the FIN alone. */
struct reorder {
    LIST_ENTRY(reorder) others;
    const struct flow *flow;
    int direction;
    struct piece *first, *last;
    uint64_t pieces;

    /* What is missing before `due` was acknowledged when the flow had so many packets. 0: nothing
     * that is missing was acknowledged. */
    uint64_t due;
    uint64_t due_packets;
    int64_t due_ns;
};

static struct stream *stream_of(struct flow *flow, int direction)
{
    return &flow_tcp(flow)->side[direction].stream;
}

/* How far a sequence number is from the next byte in order. */
static int64_t distance(const struct stream *s, uint32_t seq)
{
    return (int32_t)(seq - (s->base + (uint32_t)s->next));
}

/* The offset of `length` bytes at a sequence number; false where a receiver could not take them. */
static bool place(struct handoff *h, const struct stream *s, uint32_t seq, uint32_t length,
                  int64_t *offset)
{
    uint64_t edge = s->acked > s->next ? s->acked : s->next;
    *offset = (int64_t)s->next + distance(s, seq);
    if (length <= WINDOW && *offset <= (int64_t)edge + WINDOW)
        return true;
    h->counters.segments_out_of_window++;
    return false;
}

/* Hands on a run from the next byte in order up to `end`: bytes, and a gap for what was cut. */
static int deliver(struct handoff *h, struct flow *flow, int direction, const struct run *run,
                   int64_t end)
{
    struct stream *s = stream_of(flow, direction);
    int64_t from = (int64_t)s->next, there = run->start + run->captured;
    if (there > end)
        there = end;
    if (from < there) {
        struct event event;
        event.data = (struct event_data){
            .direction = (uint8_t)direction,
            .flags = run->turn > s->turn ? TAPLINE_TURN : 0,
            .offset = s->next,
            .time_ns = run->time_ns,
            .packet = run->packet,
            .bytes = run->bytes ? run->bytes + (from - run->start) : NULL,
            .length = (uint32_t)(there - from),
        };
        s->next = (uint64_t)there;
        if (run->turn > s->turn)
            s->turn = run->turn;
        int error = handoff_data(h, flow, &event, s->next);
        if (error)
            return error;
    }
    uint64_t cut = (uint64_t)end - s->next;
    if (cut == 0)
        return 0;
    s->next = (uint64_t)end;
    h->counters.bytes_cut += cut;
    return handoff_gap(h, flow, direction, s->next - cut, cut);
}

/* ---- what waits ------------------------------------------------------------------------------ */

static struct reorder *reorder_of(struct handoff *h, const struct flow *flow, int direction,
                                  struct stream *s)
{
    if (s->reorder)
        return s->reorder;
    s->reorder = calloc(1, sizeof *s->reorder);
    if (s->reorder) {
        s->reorder->flow = flow;
        s->reorder->direction = direction;
        LIST_INSERT_HEAD(&h->reorders, s->reorder, others);
    }
    return s->reorder;
}

void stream_clear(struct stream *stream)
{
    if (!stream->reorder)
        return;
    for (struct piece *p = stream->reorder->first, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    LIST_REMOVE(stream->reorder, others);
    free(stream->reorder);
    stream->reorder = NULL;
}

/* Where the first hole ends, while there is one. */
static uint64_t hole_end(const struct stream *s)
{
    return s->reorder->first ? (uint64_t)s->reorder->first->run.start : s->fin;
}

static uint64_t waiting_end(const struct stream *s)
{
    return s->finished ? s->fin : (uint64_t)s->reorder->last->run.end;
}

/* Hands on the pieces that are in order now. */
static int drain(struct handoff *h, struct flow *flow, int direction)
{
    struct stream *s = stream_of(flow, direction);
    struct reorder *r = s->reorder;
    int error = 0;
    while (!error && r && r->first && (uint64_t)r->first->run.start == s->next) {
        struct piece *piece = r->first;
        error = deliver(h, flow, direction, &piece->run, piece->run.end);
        r->first = piece->next;
        r->pieces--;
        if (!r->first)
            r->last = NULL;
        free(piece);
    }
    if (r && !r->first && !(s->finished && s->next < s->fin))
        stream_clear(s);
    return error;
}

/* Declares the first hole lost. */
static int give_up(struct handoff *h, struct flow *flow, int direction, uint64_t *counter)
{
    struct stream *s = stream_of(flow, direction);
    uint64_t offset = s->next, length = hole_end(s) - offset;
    ++*counter;
    h->counters.bytes_lost += length;
    s->next += length;
    int error = handoff_gap(h, flow, direction, offset, length);
    return error ? error : drain(h, flow, direction);
}

/* Declares holes lost until what waits is within the limit. */
static int relieve(struct handoff *h, struct flow *flow, int direction)
{
    struct stream *s = stream_of(flow, direction);
    uint64_t most = h->limits.reorder / BYTES_A_PIECE + LEAST_PIECES;
    int error = 0;
    while (!error && s->reorder &&
           (waiting_end(s) - s->next >= h->limits.reorder || s->reorder->pieces > most))
        error = give_up(h, flow, direction, &h->counters.gaps_at_limit);
    return error;
}

/* Makes [start, end) of the run wait, behind `after` (NULL: as the first). */
static int hold_part(struct reorder *r, struct piece *after, const struct run *run, int64_t start,
                     int64_t end)
{
    int64_t skip = start - run->start, there = run->captured - skip;
    if (there > end - start)
        there = end - start;
    size_t captured = there > 0 ? (size_t)there : 0;
    struct piece *piece = malloc(sizeof *piece + (run->bytes ? captured : 0));
    if (!piece)
        return -ENOMEM;
    piece->run = *run;
    piece->run.start = start;
    piece->run.end = end;
    piece->run.captured = (uint32_t)captured;
    if (run->bytes) {
        piece->run.bytes = piece->bytes;
        if (captured)
            memcpy(piece->bytes, run->bytes + skip, captured);
    }
    struct piece **link = after ? &after->next : &r->first;
    piece->next = *link;
    *link = piece;
    if (!piece->next)
        r->last = piece;
    r->pieces++;
    return 0;
}

/* Makes those parts of the run wait that no piece covers already. */
static int hold(struct reorder *r, const struct run *run)
{
    struct piece *after = NULL;
    if (r->last && r->last->run.start <= run->start)
        after = r->last; /* mostly segments come in order behind a hole */
    else
        for (struct piece *p = r->first; p && p->run.start <= run->start; p = p->next)
            after = p;
    int64_t at = run->start;
    if (after && after->run.end > at)
        at = after->run.end;
    while (at < run->end) {
        struct piece *next = after ? after->next : r->first;
        int64_t end = next && next->run.start < run->end ? next->run.start : run->end;
        if (at < end) {
            int error = hold_part(r, after, run, at, end);
            if (error)
                return error;
        }
        after = next;
        at = next && end == next->run.start ? next->run.end : end;
    }
    return 0;
}

/* Drops what lies beyond the FIN. */
static void cut_at_fin(struct stream *s)
{
    struct reorder *r = s->reorder;
    struct piece **link = &r->first, *last = NULL;
    while (*link && (uint64_t)(*link)->run.start < s->fin) {
        last = *link;
        link = &last->next;
    }
    for (struct piece *p = *link, *next; p; p = next) {
        next = p->next;
        r->pieces--;
        free(p);
    }
    *link = NULL;
    r->last = last;
    if (last && (uint64_t)last->run.end > s->fin)
        last->run.end = (int64_t)s->fin;
}

/* ---- what comes ------------------------------------------------------------------------------ */

void stream_begin(struct stream *stream, uint32_t seq)
{
    if (stream->based)
        return;
    stream->base = seq;
    stream->based = true;
}

/* Takes a run that begins at the next byte in order, or before it and reaches beyond. Pieces that
 * wait came first: where they are, the run's bytes are a repetition. */
static int take_in_order(struct handoff *h, struct flow *flow, int direction, const struct run *run)
{
    struct stream *s = stream_of(flow, direction);
    int error = 0;
    while (!error && (int64_t)s->next < run->end) {
        struct piece *first = s->reorder ? s->reorder->first : NULL;
        int64_t end = first && first->run.start < run->end ? first->run.start : run->end;
        error = deliver(h, flow, direction, run, end);
        if (!error && s->reorder)
            error = drain(h, flow, direction);
    }
    return error;
}

/* Takes a run that begins behind a hole. */
static int make_wait(struct handoff *h, struct flow *flow, int direction, struct run *run)
{
    struct stream *s = stream_of(flow, direction);
    h->counters.segments_out_of_order++;
    if (!want_may_take(&flow->want[direction], (uint64_t)run->end))
        run->bytes = NULL;
    if (!reorder_of(h, flow, direction, s))
        return -ENOMEM;
    uint64_t pieces = s->reorder->pieces;
    run->turn = flow->speaker == direction ? flow->turns : flow->turns + 1;
    if (hold(s->reorder, run) != 0)
        return -ENOMEM;
    if (s->reorder->pieces > pieces)
        flow_speaks(flow, direction); /* a mere repetition says nothing new */
    return relieve(h, flow, direction);
}

int stream_segment(struct handoff *handoff, struct flow *flow, int direction,
                   const struct segment *segment)
{
    struct stream *s = stream_of(flow, direction);
    const struct extent *payload = &segment->payload;
    struct run run = {.bytes = payload->bytes,
                      .captured = payload->captured,
                      .time_ns = segment->time_ns,
                      .packet = segment->packet};
    if (payload->length == 0)
        return 0;
    stream_begin(s, segment->seq);
    if (!place(handoff, s, segment->seq, payload->length, &run.start))
        return 0;
    run.end = run.start + payload->length;
    if (s->finished && run.end > (int64_t)s->fin)
        run.end = (int64_t)s->fin;
    if (run.end <= (int64_t)s->next)
        return 0;
    if (run.start <= (int64_t)s->next) {
        run.turn = flow_speaks(flow, direction);
        return take_in_order(handoff, flow, direction, &run);
    }
    return run.start < run.end ? make_wait(handoff, flow, direction, &run) : 0;
}

int stream_fin(struct handoff *handoff, struct flow *flow, int direction, uint32_t seq)
{
    struct stream *s = stream_of(flow, direction);
    int64_t offset;
    stream_begin(s, seq);
    if (s->finished || !place(handoff, s, seq, 0, &offset) || offset < (int64_t)s->next)
        return 0;
    s->finished = true;
    s->fin = (uint64_t)offset;
    if (s->fin == s->next) {
        stream_clear(s);
        return 0;
    }
    if (!reorder_of(handoff, flow, direction, s))
        return -ENOMEM;
    cut_at_fin(s);
    return relieve(handoff, flow, direction);
}

void stream_acknowledge(struct stream *stream, uint32_t ack)
{
    if (!stream->based)
        return;
    int64_t acked = (int64_t)stream->next + distance(stream, ack);
    if (acked > (int64_t)stream->acked)
        stream->acked = (uint64_t)acked;
}

int stream_await(struct handoff *handoff, struct flow *flow, int direction, int64_t now_ns)
{
    struct stream *s = stream_of(flow, direction);
    uint64_t packets = flow_packets(flow);
    int error = 0;
    if (s->reorder && s->reorder->due > s->next &&
        (packets - s->reorder->due_packets >= PATIENCE_PACKETS ||
         moment_since(now_ns, s->reorder->due_ns) >= PATIENCE_NS)) {
        uint64_t due = s->reorder->due;
        s->reorder->due = 0;
        while (!error && s->reorder && hole_end(s) <= due)
            error = give_up(handoff, flow, direction, &handoff->counters.gaps_acknowledged);
    }
    struct reorder *r = s->reorder;
    if (!error && r && r->due <= s->next && s->acked >= hole_end(s)) {
        r->due = s->acked;
        r->due_packets = packets;
        r->due_ns = now_ns;
    }
    return error;
}

/* Whether nothing of what waits there is to be expected before the flow ends. */
static bool is_abandoned(const struct reorder *r, int64_t clock_ns)
{
    const struct stream *s = &flow_sides(r->flow)[r->direction].stream;
    return s->acked >= hole_end(s) &&
           moment_since(clock_ns, r->flow->figures.end_ns) > SILENCE_NS;
}

int64_t stream_oldest(const struct handoff *handoff, int64_t clock_ns)
{
    int64_t oldest = INT64_MAX;
    const struct reorder *r;
    LIST_FOREACH(r, &handoff->reorders, others) {
        const struct want *want = &r->flow->want[r->direction];
        if (is_abandoned(r, clock_ns))
            continue;
        for (const struct piece *p = r->first; p; p = p->next)
            if (p->run.time_ns < oldest && p->run.bytes &&
                want_may_take(want, (uint64_t)p->run.end))
                oldest = p->run.time_ns;
    }
    return oldest;
}

int stream_end(struct handoff *handoff, struct flow *flow, int direction)
{
    struct stream *s = stream_of(flow, direction);
    int error = 0;
    while (!error && s->reorder)
        error = give_up(handoff, flow, direction, &handoff->counters.gaps_at_end);
    stream_clear(s);
    return error;
}
