#include "stages/tracker/counters.h"

#include "common/wire/pack.h"

void counters_pack(struct buffer *to, const struct counters *counters)
{
    pack_map(to, sizeof *counters / sizeof(uint64_t));
#define COUNTER_PACK(name)                                                                         \
    pack_str(to, #name);                                                                           \
    pack_uint(to, counters->name);
    TRACKER_COUNTERS(COUNTER_PACK)
#undef COUNTER_PACK
}
