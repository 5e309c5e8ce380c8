#include "common/bus/demands.h"

#include "common/wire/message.h"
#include "common/wire/pack.h"

enum { MOST = 512 };

bool demands_add(struct demands *d, const struct demand *demand)
{
    if (!d->count) {
        buffer_clear(&d->message);
        message_open(&d->message);
        d->place = pack_array_open(&d->message);
    }
    demand_pack(&d->message, demand);
    return ++d->count >= MOST;
}

struct buffer *demands_take(struct demands *d)
{
    if (!d->count)
        return NULL;
    pack_array_close(&d->message, d->place, d->count);
    d->count = 0;
    return &d->message;
}

void demands_free(struct demands *d)
{
    buffer_free(&d->message);
}
