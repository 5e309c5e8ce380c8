#include "common/bus/dispatch.h"

#include "common/base/cache.h"
#include "common/base/error.h"
#include "common/base/log.h"

/* So much of a message is fetched into the cache ahead of what is read: STAGE_AHEAD frames of full
 * size, and no more than half of a first cache. */
enum { FETCHED_AHEAD = 24 * 1024 };

/* A message was written by another process, so that its bytes come from far away, and where the
 * next element begins is known only once this one was read. So while the core works, what follows
 * is sent for, behind what was before; returns how far. */
static const uint8_t *fetch_ahead(const struct unpack *body, const uint8_t *fetched)
{
    const uint8_t *from = fetched > body->at ? fetched : body->at;
    size_t left = (size_t)(body->end - body->at);
    const uint8_t *to = body->at + (left < FETCHED_AHEAD ? left : FETCHED_AHEAD);
    if (from < to)
        cache_fetch(from, (size_t)(to - from));
    return to;
}

/* What stands in the original is nowhere near yet: the first bytes of it, where the heads of its
 * protocols stand, are sent for, too. */
static void fetch_original(const struct places *places, const uint8_t *bytes, uint32_t length)
{
    enum { HEADS = 2 * CACHE_LINE };
    if (places_lead_to(places, bytes, length))
        cache_fetch(bytes, length < HEADS ? length : HEADS);
}

/* Frames that are read ahead; they go on together, as far as no clock stands between them. */
struct frames {
    struct frame list[STAGE_AHEAD];
    uint32_t count;
    int behind; /* what stands behind them: FRAME_CLOCK, with its time in the next of the list;
                   FRAME_PACKET: more of them, or nothing; an error */
};

static void read_frames(struct unpack *body, struct places *places, uint32_t *left,
                        struct frames *frames)
{
    frames->count = 0;
    frames->behind = FRAME_PACKET;
    while (*left && frames->count < STAGE_AHEAD && frames->behind == FRAME_PACKET) {
        struct frame *frame = &frames->list[frames->count];
        frames->behind = frame_unpack(body, places, frame);
        --*left;
        if (frames->behind != FRAME_PACKET)
            return;
        fetch_original(places, frame->bytes, frame->length);
        frames->count++;
    }
}

static int hand_frames(const struct stage_hooks *hooks, void *core, const struct frames *frames)
{
    int rc = frames->count ? hooks->frames(core, frames->list, frames->count) : 0;
    if (rc || frames->behind == FRAME_PACKET)
        return rc;
    return frames->behind == FRAME_CLOCK ? hooks->clock(core, frames->list[frames->count].time_ns)
                                         : frames->behind;
}

/* While some are worked on, the next ones are on their way. */
static int take_frames(const struct stage_hooks *hooks, void *core, struct unpack *body,
                       struct places *places)
{
    struct frames groups[2];
    uint32_t left = unpack_array(body), now = 0;
    const uint8_t *fetched = fetch_ahead(body, body->at);
    int rc = body->error;
    if (rc || !left)
        return rc;
    read_frames(body, places, &left, &groups[now]);
    for (bool last = false; !last && !rc; now = !now) {
        last = !left || groups[now].behind < 0;
        if (!last)
            read_frames(body, places, &left, &groups[!now]);
        fetched = fetch_ahead(body, fetched);
        rc = hand_frames(hooks, core, &groups[now]);
    }
    return rc;
}

/* The same of events. */
struct events {
    struct event list[STAGE_AHEAD];
    uint32_t count;
    int error; /* why there are no more, where there should be */
};

static void read_events(struct unpack *body, struct places *places, uint32_t *left,
                        struct events *events)
{
    events->count = 0;
    events->error = 0;
    while (*left && events->count < STAGE_AHEAD) {
        struct event *event = &events->list[events->count];
        events->error = event_unpack(body, places, event);
        if (events->error)
            return;
        --*left;
        if (event->kind == TAPLINE_DATA)
            fetch_original(places, event->data.bytes, event->data.length);
        events->count++;
    }
}

static int hand_events(const struct stage_hooks *hooks, struct session *session, uint32_t from,
                       const struct events *events)
{
    int rc = 0;
    if (hooks->expect)
        hooks->expect(session_core(session), events->list, events->count);
    for (uint32_t i = 0; i < events->count && !rc; i++) {
        session_took(session, &events->list[i]);
        rc = hooks->event(session_core(session), from, &events->list[i]);
    }
    return rc ? rc : events->error;
}

static int take_events(const struct stage_hooks *hooks, struct session *session, uint32_t from,
                       struct unpack *body, struct places *places)
{
    struct events groups[2];
    uint32_t left = unpack_array(body), now = 0;
    const uint8_t *fetched = fetch_ahead(body, body->at);
    int rc = body->error;
    if (rc || !left)
        return rc;
    read_events(body, places, &left, &groups[now]);
    for (bool last = false; !last && !rc; now = !now) {
        last = !left || groups[now].error;
        if (!last)
            read_events(body, places, &left, &groups[!now]);
        fetched = fetch_ahead(body, fetched);
        rc = hand_events(hooks, session, from, &groups[now]);
    }
    return rc;
}

static int take_end(const struct stage_hooks *hooks, void *core, struct unpack *body)
{
    unpack_array_of(body, 1);
    uint64_t frames = unpack_uint(body);
    return body->error ? body->error : hooks->finish(core, frames);
}

static int take_mark(const struct stage_hooks *hooks, void *core, uint32_t from,
                     struct unpack *body)
{
    struct mark mark;
    int error = mark_unpack(body, &mark);
    return error ? error : hooks->mark(core, from, &mark);
}

static int take_demands(const struct stage_hooks *hooks, const struct peers *peers, void *core,
                        uint32_t from, struct unpack *body)
{
    /* What a flow's next stage does not want is not sent again: nobody else may say so. */
    bool next = peers_serves(peers, from, (enum tapline_role)(hooks->role + 1));
    uint32_t count = next ? unpack_array(body) : 0;
    for (uint32_t i = 0; i < count && !body->error; i++) {
        struct demand demand;
        if (demand_unpack(body, &demand) == 0)
            hooks->demand(core, &demand);
    }
    return 0; /* a demand that cannot be read is one that was lost */
}

static int take(const struct stage_hooks *hooks, const struct peers *peers, struct session *session,
                struct message *message, struct places *places)
{
    uint32_t from = peers_find(peers, message->head.sender);
    void *core = session_core(session);
    switch (message->head.kind) {
    case TAPLINE_PACKETS:
        if (hooks->frames)
            return take_frames(hooks, core, &message->body, places);
        break;
    case TAPLINE_EVENTS:
        if (hooks->event)
            return take_events(hooks, session, from, &message->body, places);
        break;
    case TAPLINE_MARK:
        if (hooks->mark)
            return take_mark(hooks, core, from, &message->body);
        break;
    case TAPLINE_END:
        if (hooks->finish)
            return take_end(hooks, core, &message->body);
        break;
    case TAPLINE_DEMAND:
        if (hooks->demand)
            return take_demands(hooks, peers, core, from, &message->body);
        break;
    default:
        if (hooks->message)
            return hooks->message(core, &message->head, &message->body);
        break;
    }
    log_warning("passed over a message of kind %d: not for a %s", (int)message->head.kind,
                hooks->name);
    return 0;
}

int dispatch(const struct stage_hooks *hooks, const struct peers *peers, struct session *session,
             struct message *message)
{
    struct places places = {.original = session_original(session)};
    int rc = take(hooks, peers, session, message, &places);
    places_end(&places);
    return rc;
}
