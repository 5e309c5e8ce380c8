#include "stages/tracker/tracker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/stage.h"
#include "common/net/decode.h"
#include "common/wire/pack.h"
#include "stages/tracker/defrag.h"
#include "stages/tracker/flow_table.h"
#include "stages/tracker/handoff.h"
#include "stages/tracker/moment.h"
#include "stages/tracker/periods.h"
#include "stages/tracker/tcp.h"
#include "stages/tracker/totals.h"
#include "stages/tracker/udp.h"

enum {
    SWEEP_STEP = 4,    /* slots that a sweep looks at with each frame, */
    SWEEP_CLOCK = 256, /* and with each clock, as there may be no frames */
};

/* A sweep through all flows begins so often by the capture's clock: what it finds has been over
 * for long, so that nothing is gained by looking more often. */
#define SWEEP_PERIOD MOMENT_SECONDS(60)

/* A mark is worth its while when so much was done since the last one: so many frames, or so much of
 * the capture's time. */
enum { MARK_FRAMES = 16384 };
#define MARK_PERIOD MOMENT_SECONDS(60)

/* How old packets may be that are still to come, as far as writing results early goes by it. */
#define ORDER_SLACK MOMENT_SECONDS(TAPLINE_ORDER_SLACK)

/* How far a flow's times may lie behind the capture's clock when its packets come out of order. */
#define TIME_SLACK MOMENT_SECONDS(TAPLINE_TIME_SLACK)

struct tracker {
    struct handoff handoff;
    struct flow_table *flows;
    struct defrag *defrag;
    struct periods *periods;
    struct totals totals;
    uint32_t index;
    uint64_t frames; /* received */
    uint64_t opened; /* flows so far: the count within the next id */
    uint64_t closed; /* CLOSE events sent */
    int64_t clock;
    int64_t sweep_due;    /* when the next sweep begins, */
    uint32_t sweep_left;  /* and the slots that the present one did not look at yet */
    int64_t mark_due;     /* when the next mark is sent, */
    uint64_t mark_frames; /* or after how many frames, whichever comes first */
};

struct tracker *tracker_new(const struct capture *capture, const struct outlet *outlet, int *error)
{
    struct tracker *t = calloc(1, sizeof *t);
    if (t) {
        t->handoff.outlet = outlet;
        t->handoff.limits = capture->limits;
        t->handoff.opens = capture->opens;
        t->index = capture->index;
        t->clock = t->sweep_due = t->mark_due = INT64_MIN;
        t->flows = flow_table_new(capture->id);
        t->defrag = defrag_new(capture->id, capture->limits.fragments);
        t->periods = periods_new();
        LIST_INIT(&t->handoff.reorders);
    }
    if (!t || !t->flows || !t->defrag || !t->periods) {
        tracker_free(&t);
        *error = -ENOMEM;
    }
    return t;
}

void tracker_free(struct tracker **tracker)
{
    struct tracker *t = *tracker;
    if (!t)
        return;
    flow_table_free(&t->flows);
    defrag_free(&t->defrag);
    periods_free(&t->periods);
    free(t);
    *tracker = NULL;
}

/* ---- the end of flows ------------------------------------------------------------------------ */

static int64_t idle_limit(const struct tracker *t, const struct flow *flow)
{
    return flow->figures.transport == TRANSPORT_TCP ? tcp_idle_limit(flow, &t->handoff.limits)
                                                    : t->handoff.limits.udp_idle;
}

/* After each packet: until when the capture's clock may run without another one. A sweep is told
 * where that is sooner than it knew. */
static void set_expiry(const struct tracker *t, struct flow *flow)
{
    int64_t limit = idle_limit(t, flow);
    int64_t from = moment_after(moment_later(t->clock, flow->figures.end_ns), TIME_SLACK);
    flow->idle_limit = limit > 0 ? limit : INT64_MAX;
    flow->expires = limit > 0 ? moment_after(from, limit) : INT64_MAX;
    if (flow->expires < flow->due)
        flow_table_set_due(t->flows, flow, flow->expires);
}

/* Whether the capture's clock has left the flow behind. */
static bool left_behind(const struct tracker *t, const struct flow *flow)
{
    return t->clock > flow->expires;
}

/* Whether a packet at that time comes too late to be the flow's. */
static bool too_late(const struct tracker *t, const struct flow *flow, int64_t time_ns)
{
    return moment_since(time_ns, flow->figures.end_ns) > flow->idle_limit || left_behind(t, flow);
}

/* Hands on what waits, and the flow's end. */
static int end_flow(struct tracker *t, struct flow *flow)
{
    int error = 0;
    if (flow->figures.transport == TRANSPORT_TCP)
        error = tcp_end(&t->handoff, flow);
    if (!error)
        error = handoff_close(&t->handoff, flow, periods_close(t->periods, flow->stretch));
    t->closed++;
    return error;
}

static int close_flow(struct tracker *t, struct flow *flow)
{
    int error = end_flow(t, flow);
    flow_table_remove(t->flows, flow);
    return error;
}

/* Goes through a few slots more. Flows lie far apart in memory: it looks at one only where it may
 * have come to its end by what it was told last, and is told anew where packets came since. */
static int sweep(struct tracker *t, uint32_t steps)
{
    int error = 0;
    for (; steps > 0 && t->sweep_left > 0 && !error; steps--) {
        struct flow *flow = flow_table_due(t->flows, --t->sweep_left, t->clock);
        if (flow && left_behind(t, flow)) {
            t->handoff.counters.flows_idle++;
            error = close_flow(t, flow);
        } else if (flow) {
            flow_table_set_due(t->flows, flow, flow->expires);
        }
    }
    return error;
}

/* ---- packets --------------------------------------------------------------------------------- */

/* A frame, decoded, and where it is sound the hash of its flow, and which that most likely is. */
struct arrival {
    struct packet packet;
    uint32_t hash;
    struct flow *likely;
};

static struct flow *begin_flow(struct tracker *t, uint32_t hash, const struct packet *packet,
                               const struct frame *frame, int *direction)
{
    bool initiator = packet->kind != PACKET_TCP || tcp_initiates(packet);
    uint64_t id = (uint64_t)t->index << FLOW_INDEX_SHIFT | (t->opened + 1);
    struct flow *flow = flow_table_add(t->flows, hash, packet, initiator, id);
    if (!flow)
        return NULL;
    t->opened++;
    flow->stretch = periods_open(t->periods);
    flow->speaker = DIRECTIONS;
    flow->figures.start_ns = flow->figures.end_ns = frame->time_ns;
    flow->figures.first_packet = frame->number;
    *direction = initiator ? FROM_INITIATOR : FROM_RESPONDER;
    struct counters *counters = &t->handoff.counters;
    if (counters->most_flows < flow_table_count(t->flows))
        counters->most_flows = flow_table_count(t->flows);
    return flow;
}

/* The flow of a packet: the one on its endpoints, where that goes on, or a new one. */
static int find_flow(struct tracker *t, const struct arrival *arrival, const struct frame *frame,
                     struct flow **found, int *direction)
{
    const struct packet *packet = &arrival->packet;
    struct flow *flow =
        flow_table_find(t->flows, arrival->hash, packet, arrival->likely, direction);
    if (flow && (too_late(t, flow, frame->time_ns) ||
                 (packet->kind == PACKET_TCP && tcp_starts_anew(flow, *direction, packet)))) {
        int error = close_flow(t, flow);
        if (error)
            return error;
        flow = NULL;
    }
    if (flow) {
        *found = flow;
        return 0;
    }
    if (flow_table_count(t->flows) >= t->handoff.limits.flows)
        return ERR_FLOWS;
    *found = begin_flow(t, arrival->hash, packet, frame, direction);
    return *found ? handoff_begin(&t->handoff, *found) : -ENOMEM;
}

static int track(struct tracker *t, const struct arrival *arrival, const struct frame *frame)
{
    const struct packet *packet = &arrival->packet;
    struct flow *flow;
    int direction;
    periods_packet(t->periods, frame->time_ns);
    int error = find_flow(t, arrival, frame, &flow, &direction);
    if (error)
        return error;
    struct figures *f = &flow->figures;
    uint64_t before = f->packets[direction]++;
    f->bytes[direction] += packet->payload.length;
    f->end_ns = moment_later(f->end_ns, frame->time_ns);
    if (packet->kind == PACKET_TCP)
        error = tcp_segment(&t->handoff, flow, direction, packet, frame);
    else
        error = udp_datagram(&t->handoff, flow, direction, before, packet, frame);
    set_expiry(t, flow);
    return error;
}

static int take_arrival(struct tracker *t, struct arrival *arrival, const struct frame *frame)
{
    struct packet *packet = &arrival->packet;
    totals_count(&t->totals, packet, frame->length);
    t->frames++;
    int error = sweep(t, SWEEP_STEP);
    if (error)
        return error;
    if (packet->fragment) {
        int got = defrag_add(t->defrag, packet, frame->time_ns, t->clock, &t->handoff.counters);
        if (got != DEFRAG_WHOLE)
            return got;
        arrival->hash = flow_table_hash(t->flows, packet);
        arrival->likely = NULL;
    }
    if (packet->sound)
        return track(t, arrival, frame);
    if (packet->kind == PACKET_TCP || packet->kind == PACKET_UDP)
        t->handoff.counters.headers_malformed++;
    return 0;
}

/* Decodes frames, and has their flows fetched into the cache: first the places where the table
 * says which these are, and when all of those are on their way the flows themselves. In turns, so
 * that nothing is waited for that was only just asked for or written. */
static void look_ahead(struct tracker *t, struct arrival *arrivals, const struct frame *frames,
                       uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct arrival *arrival = &arrivals[i];
        packet_decode(&arrival->packet, frames[i].link, frames[i].bytes, frames[i].length,
                      frames[i].wire_length);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct arrival *arrival = &arrivals[i];
        if (!arrival->packet.sound)
            continue;
        arrival->hash = flow_table_hash(t->flows, &arrival->packet);
        flow_table_expect(t->flows, arrival->hash);
    }
    for (uint32_t i = 0; i < count; i++)
        if (arrivals[i].packet.sound)
            arrivals[i].likely = flow_table_fetch(t->flows, arrivals[i].hash);
}

int tracker_frames(struct tracker *tracker, const struct frame *frames, uint32_t count)
{
    struct arrival arrivals[STAGE_AHEAD];
    int error = 0;
    assert(count <= STAGE_AHEAD);
    look_ahead(tracker, arrivals, frames, count);
    for (uint32_t i = 0; i < count && !error; i++)
        error = take_arrival(tracker, &arrivals[i], &frames[i]);
    return error;
}

static int send_mark(struct tracker *t)
{
    struct mark mark = {.tracker = t->index, .kept_ns = moment_before(t->clock, ORDER_SLACK)};
    t->mark_due = moment_after(t->clock, MARK_PERIOD);
    t->mark_frames = t->frames + MARK_FRAMES;
    periods_end(t->periods, mark.kept_ns, &mark);
    int64_t waits = stream_oldest(&t->handoff, t->clock);
    mark.kept_ns = waits < mark.kept_ns ? waits : mark.kept_ns;
    return outlet_mark(t->handoff.outlet, &mark);
}

static void begin_sweep(struct tracker *t)
{
    t->sweep_left = flow_table_slots(t->flows);
    t->sweep_due = moment_after(t->clock, SWEEP_PERIOD);
    periods_stretch(t->periods);
}

int tracker_clock(struct tracker *tracker, int64_t time_ns)
{
    if (time_ns > tracker->clock) {
        tracker->clock = time_ns;
        defrag_expire(tracker->defrag, time_ns, &tracker->handoff.counters);
    }
    if (tracker->sweep_left == 0 && tracker->clock >= tracker->sweep_due)
        begin_sweep(tracker);
    int error = sweep(tracker, SWEEP_CLOCK);
    bool due = tracker->clock >= tracker->mark_due || tracker->frames >= tracker->mark_frames;
    return error || !due ? error : send_mark(tracker);
}

void tracker_demand(struct tracker *tracker, const struct demand *demand)
{
    struct flow *flow = flow_table_by_id(tracker->flows, demand->flow);
    if (flow && demand->direction < DIRECTIONS && tracker->handoff.limits.demand)
        want_tell(&flow->want[demand->direction], demand);
}

/* ---- the end of the capture ------------------------------------------------------------------ */

static int tally(struct tracker *t)
{
    struct buffer map = {0};
    pack_map(&map, 6);
    pack_str(&map, "role");
    pack_uint(&map, TAPLINE_TRACKER);
    pack_str(&map, "index");
    pack_uint(&map, t->index);
    pack_str(&map, "frames");
    pack_uint(&map, t->frames);
    pack_str(&map, "flows");
    pack_uint(&map, t->closed);
    pack_str(&map, "totals");
    totals_pack(&map, &t->totals);
    pack_str(&map, "counters");
    counters_pack(&map, &t->handoff.counters);
    int error = map.failed ? -ENOMEM : outlet_tally(t->handoff.outlet, &map);
    buffer_free(&map);
    return error;
}

int tracker_finish(struct tracker *tracker, uint64_t frames)
{
    if (frames != tracker->frames) {
        log_error("tracker %u received %llu frames of the %llu that the reader sent to it",
                  tracker->index, (unsigned long long)tracker->frames, (unsigned long long)frames);
        return ERR_LOST;
    }
    defrag_end(tracker->defrag, &tracker->handoff.counters);
    /* No packet comes any more: the table may keep them, and goes with the tracker. */
    for (uint32_t slot = 0; slot < flow_table_slots(tracker->flows); slot++) {
        struct flow *flow = flow_table_slot(tracker->flows, slot);
        int error = flow ? end_flow(tracker, flow) : 0;
        if (error)
            return error;
    }
    return tally(tracker);
}
