#include "stages/tracker/want.h"

void want_tell(struct want *want, const struct demand *demand)
{
    if (want->state == TAPLINE_WANT_NOTHING)
        return;
    /* The turn that is asked for has begun already: the demand crossed it on its way. */
    if (demand->want == TAPLINE_WANT_TURN && want->turned && want->turn >= demand->offset)
        return;
    want->state = (uint8_t)demand->want;
    /* What was declined once stays so, also where its bytes waited and were not kept. */
    if (demand->offset > want->offset)
        want->offset = demand->offset;
}

void want_turn(struct want *want, uint64_t offset)
{
    want->turn = offset;
    want->turned = true;
    if (want->state == TAPLINE_WANT_TURN && offset >= want->offset)
        want->state = TAPLINE_WANT_FROM;
}

bool want_takes(const struct want *want, uint64_t end)
{
    return want->state == TAPLINE_WANT_FROM && end > want->offset;
}

bool want_may_take(const struct want *want, uint64_t end)
{
    /* A turn may begin at what fills the hole, or further on. */
    return want->state == TAPLINE_WANT_TURN || want_takes(want, end);
}
