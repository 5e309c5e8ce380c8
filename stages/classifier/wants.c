#include "stages/classifier/wants.h"

static const struct want EVERYTHING = {TAPLINE_WANT_FROM, 0};

void wants_turn(struct wants *w, uint64_t offset)
{
    w->turned = offset + 1;
    if (w->behind.want == TAPLINE_WANT_TURN && offset >= w->behind.offset)
        w->behind = EVERYTHING;
    if (w->told.want == TAPLINE_WANT_TURN && offset >= w->told.offset)
        w->told = EVERYTHING;
}

void wants_behind(struct wants *w, const struct want *want)
{
    bool stale = want->want == TAPLINE_WANT_TURN && w->turned > want->offset;
    if (!stale)
        w->behind = *want;
}

bool wants_admit(const struct wants *w, uint64_t offset, uint64_t length)
{
    const struct want *behind = &w->behind;
    return behind->want == TAPLINE_WANT_FROM &&
           (offset >= behind->offset || offset + length > behind->offset);
}

/* The order of enum tapline_want is that of how little is wanted. Everything from an offset on,
 * and everything from the next turn on, have nothing smaller in common than everything. */
static struct want merge(const struct want *a, const struct want *b)
{
    if (a->want == TAPLINE_WANT_NOTHING)
        return *b;
    if (b->want == TAPLINE_WANT_NOTHING)
        return *a;
    if (a->want != b->want)
        return EVERYTHING;
    return a->offset < b->offset ? *a : *b;
}

bool wants_tell(struct wants *w, const struct want *own, bool served, uint64_t next,
                struct want *tell)
{
    *tell = served ? merge(own, &w->behind) : *own;
    if (tell->want == TAPLINE_WANT_NOTHING)
        tell->offset = next;
    bool leaves_out = tell->want != TAPLINE_WANT_FROM || tell->offset > next;
    bool known = tell->want == w->told.want &&
                 (tell->want == TAPLINE_WANT_NOTHING || tell->offset == w->told.offset);
    if (!leaves_out || known || w->told.want == TAPLINE_WANT_NOTHING)
        return false;
    w->told = *tell;
    return true;
}
