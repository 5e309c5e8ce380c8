#include "common/bus/watermark.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/base/pool.h"
#include "common/base/table.h"
#include "common/wire/event.h"

/* A tracker, by way of one worker. */
struct source {
    struct watermark *watermark;
    int64_t floor_ns; /* what its last mark said; INT64_MIN: none came */
    TAILQ_HEAD(, hold) holds; /* in the order in which they began, and so by time */
};

struct hold {
    TAILQ_ENTRY(hold) others;
    struct source *source;
    int64_t since_ns; /* what it holds marks down to, */
    int64_t began_ns; /* and when it began: the same, or else when the first mark came */
    bool given_up;    /* it does not count any more */
};

struct watermark {
    struct table sources; /* struct source, by worker and tracker */
    struct pool pool;     /* of struct hold */
};

struct watermark *watermark_new(void)
{
    return calloc(1, sizeof(struct watermark));
}

void watermark_free(struct watermark **watermark)
{
    if (!*watermark)
        return;
    table_free(&(*watermark)->sources, free);
    pool_free(&(*watermark)->pool);
    free(*watermark);
    *watermark = NULL;
}

/* From when it is first heard of; NULL: no memory. */
static struct source *source_of(struct watermark *w, uint32_t from, uint64_t tracker)
{
    uint64_t id = (uint64_t)from << (64 - FLOW_INDEX_SHIFT) | tracker;
    struct source *source = table_find(&w->sources, id);
    if (source)
        return source;
    source = malloc(sizeof *source);
    if (!source || table_add(&w->sources, id, source) != 0) {
        free(source);
        return NULL;
    }
    source->watermark = w;
    source->floor_ns = INT64_MIN;
    TAILQ_INIT(&source->holds);
    return source;
}

int watermark_hold(struct watermark *w, uint32_t from, uint64_t flow, struct hold **hold)
{
    if (*hold)
        return 0;
    struct source *source = source_of(w, from, flow >> FLOW_INDEX_SHIFT);
    *hold = source ? pool_take(&w->pool, sizeof **hold) : NULL;
    if (!*hold)
        return -ENOMEM;
    (*hold)->source = source;
    (*hold)->since_ns = (*hold)->began_ns = source->floor_ns;
    (*hold)->given_up = false;
    TAILQ_INSERT_TAIL(&source->holds, *hold, others);
    return 0;
}

void watermark_let_go(struct hold **hold)
{
    if (!*hold)
        return;
    struct source *source = (*hold)->source;
    if (!(*hold)->given_up)
        TAILQ_REMOVE(&source->holds, *hold, others);
    pool_put(&source->watermark->pool, *hold);
    *hold = NULL;
}

/* What is kept began before. */
static void note_first_mark(struct source *source, int64_t now_ns)
{
    struct hold *hold;
    TAILQ_FOREACH(hold, &source->holds, others)
        hold->began_ns = now_ns;
}

/* Gives up what has been kept for too long by that moment. */
static void give_up(struct source *source, int64_t now_ns)
{
    int64_t least;
    struct hold *first;
    if (__builtin_sub_overflow(now_ns, WATERMARK_PATIENCE_NS, &least))
        return;
    while ((first = TAILQ_FIRST(&source->holds)) && first->began_ns < least) {
        TAILQ_REMOVE(&source->holds, first, others);
        first->given_up = true;
    }
}

int watermark_pass(struct watermark *w, uint32_t from, const struct mark *mark,
                   const struct outlet *outlet)
{
    struct mark own = *mark;
    struct source *source = source_of(w, from, mark->tracker);
    if (!source)
        return -ENOMEM;
    if (source->floor_ns == INT64_MIN)
        note_first_mark(source, mark->kept_ns);
    if (source->floor_ns < mark->kept_ns)
        source->floor_ns = mark->kept_ns;
    give_up(source, mark->kept_ns);
    const struct hold *first = TAILQ_FIRST(&source->holds);
    if (first && first->since_ns < own.kept_ns)
        own.kept_ns = first->since_ns;
    return outlet_mark(outlet, &own);
}
