#include "stages/sink/horizon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/table.h"
#include "common/wire/event.h"

/* Numbers of periods share an id with the tracker's index, as numbers of flows do. */
#define PERIODS (UINT64_C(1) << FLOW_INDEX_SHIFT)

/* A period that is not over, as far as is known. */
struct period {
    uint64_t came; /* closes */
    bool marked;
    uint64_t closed; /* as the mark says, */
    int64_t oldest_ns;
};

/* How far a tracker has come. */
struct progress {
    uint64_t over;   /* periods: the first that is not */
    uint64_t marked; /* periods */
    int64_t time_ns; /* of all those that are over: the latest that a mark said */
};

struct horizon {
    uint32_t trackers;
    int64_t time_ns;
    struct table periods;  /* struct period, by tracker and number: those that are not over */
    uint64_t latest_id;    /* the one that was looked up last, as most are again, */
    struct period *latest; /* NULL: none */
    struct fault broken;
    struct progress progress[];
};

struct horizon *horizon_new(uint32_t trackers)
{
    struct horizon *h = calloc(1, sizeof *h + trackers * sizeof h->progress[0]);
    if (!h)
        return NULL;
    h->trackers = trackers;
    h->time_ns = INT64_MIN;
    for (uint32_t i = 0; i < trackers; i++)
        h->progress[i].time_ns = INT64_MIN;
    return h;
}

void horizon_free(struct horizon **horizon)
{
    if (!*horizon)
        return;
    table_free(&(*horizon)->periods, free);
    free(*horizon);
    *horizon = NULL;
}

static uint64_t id_of(uint64_t tracker, uint64_t period)
{
    return tracker << FLOW_INDEX_SHIFT | period;
}

/* A period, from when it is first heard of; NULL: no memory. */
static struct period *period_of(struct horizon *h, uint64_t id)
{
    if (h->latest && h->latest_id == id)
        return h->latest;
    struct period *period = table_find(&h->periods, id);
    if (!period) {
        period = calloc(1, sizeof *period);
        if (!period || table_add(&h->periods, id, period) != 0) {
            free(period);
            return NULL;
        }
    }
    h->latest_id = id;
    h->latest = period;
    return period;
}

/* More closes than a mark counts are one fault, whichever of them came last. */
static int too_many(struct horizon *h, uint64_t tracker, uint64_t period)
{
    return fault_set(&h->broken, ERR_LOST,
                     "tracker %" PRIu64 " closed fewer flows in its period %" PRIu64
                     " than closes of it came",
                     tracker, period);
}

static void move(struct horizon *h)
{
    int64_t earliest = INT64_MAX;
    for (uint32_t i = 0; i < h->trackers; i++)
        if (h->progress[i].time_ns < earliest)
            earliest = h->progress[i].time_ns;
    h->time_ns = earliest;
}

/* Drops the periods that are over. */
static void advance(struct horizon *h, uint64_t tracker)
{
    struct progress *progress = &h->progress[tracker];
    bool any = false;
    while (progress->over < progress->marked) {
        uint64_t id = id_of(tracker, progress->over);
        const struct period *period = table_find(&h->periods, id);
        if (period->came < period->closed)
            break;
        if (period->oldest_ns > progress->time_ns)
            progress->time_ns = period->oldest_ns;
        free(table_take(&h->periods, id));
        h->latest = NULL;
        progress->over++;
        any = true;
    }
    if (any)
        move(h);
}

int horizon_close(struct horizon *h, uint64_t flow, uint64_t number)
{
    uint64_t tracker = flow >> FLOW_INDEX_SHIFT;
    if (tracker >= h->trackers || number >= PERIODS)
        return ERR_MALFORMED;
    if (number < h->progress[tracker].over)
        return too_many(h, tracker, number);
    struct period *period = period_of(h, id_of(tracker, number));
    if (!period)
        return -ENOMEM;
    if (period->marked && period->came == period->closed)
        return too_many(h, tracker, number);
    period->came++;
    if (period->marked && period->came == period->closed)
        advance(h, tracker);
    return 0;
}

int horizon_mark(struct horizon *h, const struct mark *mark)
{
    if (mark->tracker >= h->trackers || mark->period >= PERIODS)
        return ERR_MALFORMED;
    struct progress *progress = &h->progress[mark->tracker];
    if (mark->period != progress->marked)
        return fault_set(&h->broken, ERR_LOST,
                         "tracker %" PRIu64 " marked its period %" PRIu64 ", and %" PRIu64
                         " was next",
                         mark->tracker, mark->period, progress->marked);
    struct period *period = period_of(h, id_of(mark->tracker, mark->period));
    if (!period)
        return -ENOMEM;
    if (period->came > mark->closed)
        return too_many(h, mark->tracker, mark->period);
    progress->marked++;
    period->marked = true;
    period->closed = mark->closed;
    period->oldest_ns = mark->oldest_ns;
    advance(h, mark->tracker);
    return 0;
}

int64_t horizon_time(const struct horizon *h)
{
    return h->time_ns;
}

const struct fault *horizon_fault(const struct horizon *h)
{
    return h->broken.error ? &h->broken : NULL;
}
