#define XXH_INLINE_ALL
#include "common/net/packet.h"

#include <string.h>
#include <xxhash.h>

uint32_t address_pair_hash(const struct packet *packet)
{
    const struct address *low = &packet->source, *high = &packet->destination;
    if (address_compare(low, high) > 0) {
        low = &packet->destination;
        high = &packet->source;
    }
    uint8_t pair[2 * sizeof low->bytes];
    memcpy(pair, low->bytes, sizeof low->bytes);
    memcpy(pair + sizeof low->bytes, high->bytes, sizeof high->bytes);
    return (uint32_t)XXH3_64bits(pair, sizeof pair);
}
