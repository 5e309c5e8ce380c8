#include "stages/tracker/periods.h"

#include <stdlib.h>

struct period {
    uint64_t open;    /* flows that were opened in it and are open still */
    int64_t least_ns; /* of its packets' times, when it is over */
};

struct periods {
    uint32_t first; /* that a flow is left of; or else the present one */
    uint32_t now;
    uint64_t closed;                  /* flows in the present one, */
    int64_t least_ns;                 /* and the least of its packets' times */
    struct period ring[PERIODS_MOST]; /* from the first to the present one */
};

static struct period *period_at(struct periods *p, uint32_t number)
{
    return &p->ring[number % PERIODS_MOST];
}

static void begin(struct periods *p)
{
    period_at(p, p->now)->open = 0;
    p->closed = 0;
    p->least_ns = INT64_MAX;
}

struct periods *periods_new(void)
{
    struct periods *p = calloc(1, sizeof *p);
    if (p)
        begin(p);
    return p;
}

void periods_free(struct periods **periods)
{
    free(*periods);
    *periods = NULL;
}

void periods_packet(struct periods *p, int64_t time_ns)
{
    p->least_ns = time_ns < p->least_ns ? time_ns : p->least_ns;
}

uint32_t periods_open(struct periods *p)
{
    period_at(p, p->now)->open++;
    return p->now;
}

uint32_t periods_close(struct periods *p, uint32_t opened)
{
    period_at(p, opened)->open--;
    p->closed++;
    return p->now;
}

/* The earliest packet that an open flow can have had. */
static int64_t least_since_first(struct periods *p)
{
    int64_t least = INT64_MAX;
    for (uint32_t number = p->first; number <= p->now; number++) {
        int64_t one = period_at(p, number)->least_ns;
        least = one < least ? one : least;
    }
    return least;
}

bool periods_end(struct periods *p, int64_t to_come_ns, struct mark *mark)
{
    while (p->first < p->now && !period_at(p, p->first)->open)
        p->first++;
    if (p->now - p->first + 1 == PERIODS_MOST)
        return false;
    period_at(p, p->now)->least_ns = p->least_ns;
    if (!period_at(p, p->first)->open) /* and so of none: there is no flow */
        p->first = p->now + 1;
    int64_t least = least_since_first(p);
    *mark = (struct mark){.period = p->now,
                          .closed = p->closed,
                          .oldest_ns = least < to_come_ns ? least : to_come_ns};
    p->now++;
    begin(p);
    return true;
}
