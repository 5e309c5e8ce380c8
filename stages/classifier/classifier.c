#include "stages/classifier/classifier.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/base/cache.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/pool.h"
#include "common/base/table.h"
#include "common/bus/stage.h"
#include "common/bus/watermark.h"
#include "stages/classifier/datagrams.h"
#include "stages/classifier/findings.h"
#include "stages/classifier/ground.h"
#include "stages/classifier/stream.h"
#include "stages/classifier/wants.h"

struct classifier {
    const struct outlet *outlet;
    struct ground ground;
    struct table flows;          /* struct flow, by id */
    struct pool udp;             /* of struct udp_flow, */
    struct pool tcp;             /* and of struct tcp_flow */
    struct buffer notes;         /* those of the flow that is being closed */
    struct watermark *watermark; /* of segments that are held */
};

struct flow {
    uint64_t id;
    uint64_t received; /* DATA and GAP events */
    uint64_t sent;
    uint64_t next[DIRECTIONS]; /* offset behind what has come */
    uint32_t from;             /* where demand goes */
    outlet_route route;        /* to the extractor, */
    bool opened;               /* where it was opened */
    bool tcp;
    struct wants wants[DIRECTIONS];
    struct findings findings;
};

/* Each begins with its flow. UDP's are often the most by far, and fill four lines of the cache. */
struct udp_flow {
    struct flow flow;
    struct datagrams datagrams;
};
_Static_assert(sizeof(struct udp_flow) <= 4 * CACHE_LINE, "a flow of UDP takes another line");
struct tcp_flow {
    struct flow flow;
    struct stream stream;
    struct hold *hold; /* NULL: no segment is held that may go on */
};

static struct datagrams *datagrams_of(struct flow *f)
{
    return &((struct udp_flow *)f)->datagrams;
}

static struct stream *stream_of(struct flow *f)
{
    return &((struct tcp_flow *)f)->stream;
}

static struct hold **hold_of(struct flow *f)
{
    return &((struct tcp_flow *)f)->hold;
}

static int lay_ground(struct ground *ground, const struct capture *capture)
{
    char fault[PROFILE_FAULT];
    ground->limits = capture->limits;
    ground->stun_texts = stun_texts_new();
    ground->profile =
        profile_parse((const char *)capture->profile.bytes, capture->profile.length, fault);
    if (!ground->profile)
        log_error("%s", fault);
    return !ground->profile ? ERR_USAGE : !ground->stun_texts ? -ENOMEM : 0;
}

struct classifier *classifier_new(const struct capture *capture, const struct outlet *outlet,
                                  int *error)
{
    struct classifier *c = calloc(1, sizeof *c);
    *error = -ENOMEM;
    if (!c)
        return NULL;
    c->outlet = outlet;
    c->watermark = watermark_new();
    *error = c->watermark ? lay_ground(&c->ground, capture) : -ENOMEM;
    if (*error)
        classifier_free(&c);
    return c;
}

/* Gives back what the flow holds, but not the flow itself. */
static void flow_end(void *object)
{
    struct flow *f = object;
    if (f->tcp) {
        stream_free(stream_of(f));
        watermark_let_go(hold_of(f));
    }
    findings_free(&f->findings);
}

void classifier_free(struct classifier **classifier)
{
    struct classifier *c = *classifier;
    if (!c)
        return;
    table_free(&c->flows, flow_end);
    pool_free(&c->udp);
    pool_free(&c->tcp);
    watermark_free(&c->watermark);
    spares_free(&c->ground.holdings);
    buffer_free(&c->notes);
    profile_free(&c->ground.profile);
    stun_texts_free(&c->ground.stun_texts);
    free(c);
    *classifier = NULL;
}

static struct flow *flow_new(struct classifier *c, uint32_t from, const struct event *event)
{
    bool tcp = event->open.transport == TRANSPORT_TCP;
    size_t size = tcp ? sizeof(struct tcp_flow) : sizeof(struct udp_flow);
    struct flow *f = pool_take(tcp ? &c->tcp : &c->udp, size);
    if (!f)
        return NULL;
    *f = (struct flow){.id = event->flow, .from = from, .tcp = tcp};
    findings_begin(&f->findings, &c->ground, &event->open);
    if (tcp) {
        stream_begin(stream_of(f), &f->findings);
        *hold_of(f) = NULL;
    } else {
        datagrams_begin(datagrams_of(f), &f->findings);
    }
    return f;
}

/* Its memory, when it holds nothing any more. */
static void flow_put(struct classifier *c, struct flow *f)
{
    pool_put(f->tcp ? &c->tcp : &c->udp, f);
}

static int open_flow(struct classifier *c, uint32_t from, const struct event *event)
{
    struct flow *f = flow_new(c, from, event);
    int error = f ? table_add(&c->flows, f->id, f) : -ENOMEM;
    if (error != 0 && f)
        flow_put(c, f);
    return error;
}

static int hand_on(const struct classifier *c, struct flow *f, const struct event *event)
{
    f->sent++;
    return outlet_event(c->outlet, TAPLINE_EXTRACTOR, &f->route, event);
}

/* What a signature has the extractor do besides. */
static uint32_t further_hints(const struct classifier *c, const struct flow *f)
{
    const struct event_open *open = &f->findings.open;
    for (size_t i = 0; i < profile_count(c->ground.profile); i++) {
        const struct signature *s = profile_signature(c->ground.profile, i);
        if (s->kind == SIGNATURE_ADDRESSES && signature_applies(s, open->transport, open->port))
            return TAPLINE_HINT_WS_ADDRESSES;
    }
    return 0;
}

/* Opens the flow at the extractor, and sends what was held ahead of what has just come. */
static int open_behind(const struct classifier *c, struct flow *f, uint32_t hint)
{
    struct event event = {.kind = TAPLINE_OPEN, .flow = f->id, .open = f->findings.open};
    event.open.hints |= hint | further_hints(c, f);
    f->opened = true;
    int error = outlet_event(c->outlet, TAPLINE_EXTRACTOR, &f->route, &event);
    event.kind = TAPLINE_DATA;
    while (error == 0 && f->tcp && stream_take_held(stream_of(f), &event.data))
        error = hand_on(c, f, &event);
    return error;
}

/* What the classifier itself wants of a direction. */
static struct want own_want(struct flow *f, int direction)
{
    uint64_t next = f->next[direction];
    enum tapline_want want =
        f->tcp ? stream_want(stream_of(f), direction) : datagrams_want(datagrams_of(f), next);
    return (struct want){want, next};
}

static void tell(const struct classifier *c, struct flow *f, int direction)
{
    uint64_t next = f->next[direction];
    struct want own = own_want(f, direction), told;
    if (!c->ground.limits.demand || own.want == TAPLINE_WANT_FROM)
        return;
    bool served = f->opened && (f->tcp || datagrams_served(datagrams_of(f), direction, next));
    if (!wants_tell(&f->wants[direction], &own, served, next, &told))
        return;
    struct demand demand = {f->id, (uint8_t)direction, told.want, told.offset};
    outlet_demand(c->outlet, f->from, &demand);
}

/* After an event of TCP, and what it made the stream hold or give back. */
static int note_held(const struct classifier *c, struct flow *f)
{
    if (stream_holds(stream_of(f)))
        return watermark_hold(c->watermark, f->from, f->id, hold_of(f));
    watermark_let_go(hold_of(f));
    return 0;
}

/* Looks at the event, and says whether it goes to the extractor. */
static int look(struct flow *f, const struct event_data *data, bool turn, bool *passes)
{
    const struct wants *w = &f->wants[data->direction];
    int error;
    if (f->tcp) {
        error = stream_data(stream_of(f), f->received, data);
        *passes = stream_passes(stream_of(f), data->direction, turn);
    } else {
        error = datagrams_data(datagrams_of(f), f->received, data);
        *passes = datagrams_passes(datagrams_of(f), data);
    }
    *passes = *passes && wants_admit(w, data->offset, f->tcp ? data->length : 1);
    return error;
}

static int take_data(const struct classifier *c, struct flow *f, const struct event *event)
{
    const struct event_data *data = &event->data;
    bool turn = data->flags & TAPLINE_TURN, passes;
    f->next[data->direction] = data->offset + (f->tcp ? data->length : 1);
    if (turn)
        wants_turn(&f->wants[data->direction], data->offset);
    int error = look(f, data, turn, &passes);
    uint32_t hint = f->tcp ? stream_hint(stream_of(f)) : datagrams_hint(datagrams_of(f));
    if (error == 0 && hint && !f->opened && (f->tcp || passes))
        error = open_behind(c, f, hint);
    if (error == 0 && f->opened && passes)
        error = hand_on(c, f, event);
    if (error == 0 && f->tcp)
        error = note_held(c, f);
    /* Many a turn is one segment long: nothing is said before one goes on that nobody wants. */
    bool first = turn && own_want(f, data->direction).want == TAPLINE_WANT_TURN;
    if (error == 0 && !first)
        tell(c, f, data->direction);
    return error;
}

static int take_gap(const struct classifier *c, struct flow *f, const struct event *event)
{
    if (!f->tcp)
        return ERR_MALFORMED;
    const struct event_gap *gap = &event->gap;
    f->next[gap->direction] = gap->offset + gap->length;
    int error = stream_break(stream_of(f), gap->direction);
    bool passes = f->opened && stream_passes(stream_of(f), gap->direction, false) &&
                  wants_admit(&f->wants[gap->direction], gap->offset, gap->length);
    if (error == 0 && passes)
        error = hand_on(c, f, event);
    if (error == 0)
        error = note_held(c, f);
    if (error == 0)
        tell(c, f, event->gap.direction);
    return error;
}

/* Adds what was found to the notes of the stages before, in a buffer that the next close reuses. */
static int add_notes(struct classifier *c, struct flow *f, struct event_close *close)
{
    const uint64_t *packets = close->figures.packets;
    struct buffer *notes = &c->notes;
    bool found;
    if (!f->tcp && datagrams_dns_only(datagrams_of(f), f->received, packets[0] + packets[1]))
        findings_dns_only(&f->findings);
    buffer_clear(notes);
    buffer_append(notes, close->notes.bytes, close->notes.length);
    int error = findings_note(&f->findings, notes, &found);
    if (error == 0 && found)
        close->notes = (struct slice){notes->bytes, notes->length};
    return error;
}

static int close_flow(struct classifier *c, struct flow *f, const struct event *event)
{
    struct event done = *event;
    struct event_close *close = &done.close;
    if (close->trail_count >= MAX_TRAIL)
        return ERR_MALFORMED;
    close->trail[close->trail_count++] =
        (struct trail){TAPLINE_CLASSIFIER, f->received, f->sent, 0};
    int error = 0;
    for (int side = 0; f->tcp && error == 0 && side < DIRECTIONS; side++)
        error = stream_break(stream_of(f), side);
    if (error == 0)
        error = add_notes(c, f, close);
    outlet_route none = 0;
    if (error == 0)
        error = f->opened ? outlet_event(c->outlet, TAPLINE_EXTRACTOR, &f->route, &done)
                          : outlet_event(c->outlet, TAPLINE_SINK, &none, &done);
    table_take(&c->flows, f->id);
    flow_end(f);
    flow_put(c, f);
    return error;
}

int classifier_event(struct classifier *c, uint32_t from, const struct event *event)
{
    struct flow *f = table_find(&c->flows, event->flow);
    if (event->kind == TAPLINE_OPEN)
        return f ? ERR_MALFORMED : open_flow(c, from, event);
    if (!f || event->kind == TAPLINE_RECORD)
        return ERR_MALFORMED;
    if (event->kind == TAPLINE_CLOSE)
        return close_flow(c, f, event);
    f->received++;
    return event->kind == TAPLINE_DATA ? take_data(c, f, event) : take_gap(c, f, event);
}

int classifier_mark(struct classifier *c, uint32_t from, const struct mark *mark)
{
    return watermark_pass(c->watermark, from, mark, c->outlet);
}

/* The table's places first, all of them on their way at once, then what they lead to. */
void classifier_expect(const struct classifier *c, const struct event *events, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        table_prefetch(&c->flows, events[i].flow);
    for (uint32_t i = 0; i < count; i++)
        cache_fetch(table_find(&c->flows, events[i].flow),
                    events[i].kind == TAPLINE_CLOSE ? sizeof(struct tcp_flow)
                                                    : offsetof(struct tcp_flow, stream.side[1]));
}

void classifier_demand(struct classifier *c, const struct demand *demand)
{
    struct flow *f = table_find(&c->flows, demand->flow);
    if (!f || !f->opened)
        return;
    struct want want = {demand->want, demand->offset};
    wants_behind(&f->wants[demand->direction], &want);
    tell(c, f, demand->direction);
}
