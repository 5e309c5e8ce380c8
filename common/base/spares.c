#include "common/base/spares.h"

void *spares_take(struct spares *spares)
{
    return spares->count > 0 ? spares->object[--spares->count] : NULL;
}

void spares_put(struct spares *spares, void *object, void (*drop)(void *object))
{
    spares->drop = drop;
    if (spares->count < SPARES_MOST)
        spares->object[spares->count++] = object;
    else
        drop(object);
}

void spares_free(struct spares *spares)
{
    while (spares->count > 0)
        spares->drop(spares_take(spares));
}
