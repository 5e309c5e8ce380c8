#include "common/wire/mark.h"

#include "common/base/error.h"
#include "common/wire/event.h"
#include "common/wire/pack.h"

enum { MARK_FIELDS = 7 };

void mark_pack(struct buffer *to, const struct mark *mark)
{
    pack_array(to, MARK_FIELDS);
    pack_uint(to, mark->tracker);
    pack_uint(to, mark->period);
    pack_uint(to, mark->closed);
    pack_int(to, mark->oldest_ns);
    pack_uint(to, mark->hops);
    pack_uint(to, mark->branches);
    pack_int(to, mark->kept_ns);
}

int mark_unpack(struct unpack *from, struct mark *mark)
{
    uint32_t fields = unpack_array_of(from, MARK_FIELDS);
    mark->tracker = unpack_uint(from);
    mark->period = unpack_uint(from);
    mark->closed = unpack_uint(from);
    mark->oldest_ns = unpack_int(from);
    uint64_t hops = unpack_uint(from), branches = unpack_uint(from);
    mark->kept_ns = unpack_int(from);
    if (!from->error)
        unpack_skip_many(from, fields - MARK_FIELDS);
    if (!from->error && (mark->tracker >> (64 - FLOW_INDEX_SHIFT) || hops > UINT32_MAX ||
                         branches > UINT32_MAX))
        from->error = ERR_MALFORMED;
    mark->hops = (uint32_t)hops;
    mark->branches = (uint32_t)branches;
    return from->error;
}
