#include "stages/classifier/wants.h"

static const struct want EVERYTHING = {TAPLINE_WANT_FROM, 0};

static void set_behind(struct wants *w, const struct want *want)
{
    w->behind = (uint8_t)want->want;
    w->behind_offset = want->offset;
}

static void set_told(struct wants *w, const struct want *want)
{
    w->told = (uint8_t)want->want;
    w->told_offset = want->offset;
}

void wants_turn(struct wants *w, uint64_t offset)
{
    w->turned = offset + 1;
    if (w->behind == TAPLINE_WANT_TURN && offset >= w->behind_offset)
        set_behind(w, &EVERYTHING);
    if (w->told == TAPLINE_WANT_TURN && offset >= w->told_offset)
        set_told(w, &EVERYTHING);
}

void wants_behind(struct wants *w, const struct want *want)
{
    bool stale = want->want == TAPLINE_WANT_TURN && w->turned > want->offset;
    if (!stale)
        set_behind(w, want);
}

bool wants_admit(const struct wants *w, uint64_t offset, uint64_t length)
{
    return w->behind == TAPLINE_WANT_FROM &&
           (offset >= w->behind_offset || offset + length > w->behind_offset);
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
    const struct want behind = {(enum tapline_want)w->behind, w->behind_offset};
    *tell = served ? merge(own, &behind) : *own;
    if (tell->want == TAPLINE_WANT_NOTHING)
        tell->offset = next;
    bool leaves_out = tell->want != TAPLINE_WANT_FROM || tell->offset > next;
    bool known = tell->want == w->told &&
                 (tell->want == TAPLINE_WANT_NOTHING || tell->offset == w->told_offset);
    if (!leaves_out || known || w->told == TAPLINE_WANT_NOTHING)
        return false;
    set_told(w, tell);
    return true;
}
