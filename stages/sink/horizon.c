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

/* Of the marks that have passed so many stages. */
struct passed {
    uint64_t came;
    uint64_t branches; /* how many go on from there */
};

/* From a tracker, a classifier and an extractor. */
enum { PASSES = 3 };

/* A period that is not over, as far as is known. */
struct period {
    uint64_t came;   /* closes */
    uint64_t closed; /* as the tracker's mark says, */
    int64_t oldest_ns;
    struct passed passed[PASSES];
    int64_t kept_ns; /* the least that a mark said */
};

/* How far a tracker has come. */
struct progress {
    uint64_t over;              /* periods: the first that is not */
    uint64_t marked;            /* periods */
    struct horizon_times times; /* of all those that are over: the latest that was said */
};

static const struct horizon_times NOTHING_KNOWN = {INT64_MIN, INT64_MIN};

struct horizon {
    uint32_t trackers;
    struct horizon_times times;
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
    h->times = NOTHING_KNOWN;
    for (uint32_t i = 0; i < trackers; i++)
        h->progress[i].times = NOTHING_KNOWN;
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
        period->kept_ns = INT64_MAX;
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

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void move(struct horizon *h)
{
    struct horizon_times earliest = {INT64_MAX, INT64_MAX};
    for (uint32_t i = 0; i < h->trackers; i++) {
        const struct horizon_times *times = &h->progress[i].times;
        earliest.flows_ns = earlier(earliest.flows_ns, times->flows_ns);
        earliest.packets_ns = earlier(earliest.packets_ns, times->packets_ns);
    }
    h->times = earliest;
}

static bool is_marked(const struct period *period)
{
    return period->passed[0].came > 0;
}

/* As many marks have come from each stage as the one before has sent on, all of whose are here. How
 * many stages that is so of, from the tracker on. */
static int passed_whole(const struct period *period)
{
    int whole = is_marked(period);
    while (whole && whole < PASSES &&
           period->passed[whole].came == period->passed[whole - 1].branches)
        whole++;
    return whole;
}

static bool is_over(const struct period *period)
{
    return period->came == period->closed && passed_whole(period) == PASSES;
}

/* Drops the periods that are over. */
static void advance(struct horizon *h, uint64_t tracker)
{
    struct progress *progress = &h->progress[tracker];
    bool any = false;
    while (progress->over < progress->marked) {
        uint64_t id = id_of(tracker, progress->over);
        const struct period *period = table_find(&h->periods, id);
        if (!is_over(period))
            break;
        progress->times.flows_ns = later(progress->times.flows_ns, period->oldest_ns);
        progress->times.packets_ns = later(progress->times.packets_ns, period->kept_ns);
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
    if (is_marked(period) && period->came == period->closed)
        return too_many(h, tracker, number);
    period->came++;
    if (is_marked(period) && period->came == period->closed)
        advance(h, tracker);
    return 0;
}

/* The tracker's own: its periods follow each other. */
static int take_first(struct horizon *h, const struct mark *mark, struct period *period)
{
    struct progress *progress = &h->progress[mark->tracker];
    if (mark->period != progress->marked)
        return fault_set(&h->broken, ERR_LOST,
                         "tracker %" PRIu64 " marked its period %" PRIu64 ", and %" PRIu64
                         " was next",
                         mark->tracker, mark->period, progress->marked);
    if (period->came > mark->closed)
        return too_many(h, mark->tracker, mark->period);
    progress->marked++;
    period->closed = mark->closed;
    period->oldest_ns = mark->oldest_ns;
    return 0;
}

static int too_many_ways(struct horizon *h, const struct mark *mark)
{
    return fault_set(&h->broken, ERR_LOST,
                     "a mark of tracker %" PRIu64 " for its period %" PRIu64
                     " came from more workers than it was sent to",
                     mark->tracker, mark->period);
}

int horizon_mark(struct horizon *h, const struct mark *mark)
{
    bool last = mark->hops == PASSES - 1;
    if (mark->tracker >= h->trackers || mark->period >= PERIODS || mark->hops >= PASSES ||
        (last && mark->branches))
        return ERR_MALFORMED;
    if (mark->hops && mark->period < h->progress[mark->tracker].over)
        return too_many_ways(h, mark);
    struct period *period = period_of(h, id_of(mark->tracker, mark->period));
    if (!period)
        return -ENOMEM;
    int error = mark->hops ? 0 : take_first(h, mark, period);
    if (error)
        return error;
    period->passed[mark->hops].came++;
    period->passed[mark->hops].branches += mark->branches;
    period->kept_ns = earlier(period->kept_ns, mark->kept_ns);
    int whole = passed_whole(period);
    if (whole && whole < PASSES && period->passed[whole].came > period->passed[whole - 1].branches)
        return too_many_ways(h, mark);
    advance(h, mark->tracker);
    return 0;
}

struct horizon_times horizon_times(const struct horizon *h)
{
    return h->times;
}

const struct fault *horizon_fault(const struct horizon *h)
{
    return h->broken.error ? &h->broken : NULL;
}
