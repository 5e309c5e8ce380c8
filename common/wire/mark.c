#include "common/wire/mark.h"

#include "common/wire/pack.h"

enum { MARK_FIELDS = 4 };

void mark_pack(struct buffer *to, const struct mark *mark)
{
    pack_array(to, MARK_FIELDS);
    pack_uint(to, mark->tracker);
    pack_uint(to, mark->period);
    pack_uint(to, mark->closed);
    pack_int(to, mark->oldest_ns);
}

int mark_unpack(struct unpack *from, struct mark *mark)
{
    uint32_t fields = unpack_array_of(from, MARK_FIELDS);
    mark->tracker = unpack_uint(from);
    mark->period = unpack_uint(from);
    mark->closed = unpack_uint(from);
    mark->oldest_ns = unpack_int(from);
    if (!from->error)
        unpack_skip_many(from, fields - MARK_FIELDS);
    return from->error;
}
