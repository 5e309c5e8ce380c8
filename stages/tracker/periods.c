#include "stages/tracker/periods.h"

#include <stdlib.h>

struct stretch {
    uint64_t open;    /* flows that were opened in it and are open still */
    int64_t least_ns; /* of its packets' times */
};

struct periods {
    uint64_t now;    /* the present period, */
    uint64_t closed; /* and the flows that ended in it */
    uint32_t first;  /* stretch that a flow is left of; or else the present one, */
    uint32_t last;   /* which is this */
    struct stretch ring[PERIODS_MOST]; /* from the first to the present one */
};

static struct stretch *stretch_at(struct periods *p, uint32_t number)
{
    return &p->ring[number % PERIODS_MOST];
}

struct periods *periods_new(void)
{
    struct periods *p = calloc(1, sizeof *p);
    if (p)
        stretch_at(p, p->last)->least_ns = INT64_MAX;
    return p;
}

void periods_free(struct periods **periods)
{
    free(*periods);
    *periods = NULL;
}

void periods_packet(struct periods *p, int64_t time_ns)
{
    struct stretch *present = stretch_at(p, p->last);
    present->least_ns = time_ns < present->least_ns ? time_ns : present->least_ns;
}

uint32_t periods_open(struct periods *p)
{
    stretch_at(p, p->last)->open++;
    return p->last;
}

uint64_t periods_close(struct periods *p, uint32_t opened)
{
    stretch_at(p, opened)->open--;
    p->closed++;
    return p->now;
}

/* The first that a flow is left of, or the present one. */
static void pass_over(struct periods *p)
{
    while (p->first < p->last && !stretch_at(p, p->first)->open)
        p->first++;
}

void periods_stretch(struct periods *p)
{
    pass_over(p);
    if (p->last - p->first + 1 == PERIODS_MOST)
        return;
    p->last++;
    *stretch_at(p, p->last) = (struct stretch){.least_ns = INT64_MAX};
}

/* The earliest packet that an open flow can have had. */
static int64_t least_since_first(struct periods *p)
{
    int64_t least = INT64_MAX;
    pass_over(p);
    if (!stretch_at(p, p->first)->open) /* and so of none: there is no flow */
        return least;
    for (uint32_t number = p->first; number <= p->last; number++) {
        int64_t one = stretch_at(p, number)->least_ns;
        least = one < least ? one : least;
    }
    return least;
}

void periods_end(struct periods *p, int64_t to_come_ns, struct mark *mark)
{
    int64_t least = least_since_first(p);
    mark->period = p->now++;
    mark->closed = p->closed;
    mark->oldest_ns = least < to_come_ns ? least : to_come_ns;
    p->closed = 0;
}
