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

/* Frames go on together, as far as no clock stands between them. */
static int take_frames(const struct stage_hooks *hooks, void *core, struct unpack *body)
{
    struct frame frames[STAGE_AHEAD];
    uint32_t left = unpack_array(body);
    const uint8_t *fetched = fetch_ahead(body, body->at);
    int rc = body->error;
    while (left && !rc) {
        uint32_t read = 0;
        int what = FRAME_PACKET;
        for (; left && read < STAGE_AHEAD && what == FRAME_PACKET; left--) {
            what = frame_unpack(body, &frames[read]);
            read += what == FRAME_PACKET;
        }
        fetched = fetch_ahead(body, fetched);
        if (read)
            rc = hooks->frames(core, frames, read);
        if (!rc && what == FRAME_CLOCK)
            rc = hooks->clock(core, frames[read].time_ns);
        else if (!rc && what != FRAME_PACKET)
            rc = what;
    }
    return rc;
}

/* Reads the next events, at most STAGE_AHEAD of those that are left. 0, or why not all. */
static int read_ahead(struct unpack *body, struct event *events, uint32_t left, uint32_t *read)
{
    int rc = 0;
    for (*read = 0; *read < left && *read < STAGE_AHEAD && !rc; *read += !rc)
        rc = event_unpack(body, &events[*read]);
    return rc;
}

static int take_events(const struct stage_hooks *hooks, struct session *session, uint32_t from,
                       struct unpack *body)
{
    void *core = session_core(session);
    struct event events[STAGE_AHEAD];
    uint32_t left = unpack_array(body), read;
    const uint8_t *fetched = fetch_ahead(body, body->at);
    int rc = body->error;
    for (; left && !rc; left -= read) {
        int unreadable = read_ahead(body, events, left, &read);
        fetched = fetch_ahead(body, fetched);
        if (hooks->expect)
            hooks->expect(core, events, read);
        for (uint32_t i = 0; i < read && !rc; i++) {
            session_took(session, &events[i]);
            rc = hooks->event(core, from, &events[i]);
        }
        rc = rc ? rc : unreadable;
    }
    return rc;
}

static int take_end(const struct stage_hooks *hooks, void *core, struct unpack *body)
{
    unpack_array_of(body, 1);
    uint64_t frames = unpack_uint(body);
    return body->error ? body->error : hooks->finish(core, frames);
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

int dispatch(const struct stage_hooks *hooks, const struct peers *peers, struct session *session,
             struct message *message)
{
    uint32_t from = peers_find(peers, message->head.sender);
    void *core = session_core(session);
    switch (message->head.kind) {
    case TAPLINE_PACKETS:
        if (hooks->frames)
            return take_frames(hooks, core, &message->body);
        break;
    case TAPLINE_EVENTS:
        if (hooks->event)
            return take_events(hooks, session, from, &message->body);
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
