#include "stages/sink/position.h"

#include "common/base/big_endian.h"
#include "common/base/stamp.h"

enum { IP_PORT_AT = 1 + POSITION_MICROS, FILE_SHIFT = 8 * POSITION_MICROS };

/* Any time in microseconds fits seven bytes, counted from the middle of what they hold. The file
 * goes before them, into the byte that they leave free. */
uint64_t position_prefix(enum record_file file, int64_t time_ns)
{
    uint64_t micros = (uint64_t)stamp_micros(time_ns) + (UINT64_C(1) << (FILE_SHIFT - 1));
    return (uint64_t)file << FILE_SHIFT | micros;
}

enum record_file position_prefix_file(uint64_t prefix)
{
    return (enum record_file)(prefix >> FILE_SHIFT);
}

size_t position_key(const struct position *p, uint8_t key[POSITION_KEY])
{
    big_endian_put_64(key, position_prefix(p->file, p->time_ns));
    uint8_t *at = key + IP_PORT_AT;
    memcpy(at, p->ip_port.bytes, p->ip_port.length);
    at += p->ip_port.length;
    *at++ = '\0';
    big_endian_put_64(at, p->packet);
    big_endian_put_32(at + 8, p->order);
    return (size_t)(at + 12 - key);
}

enum record_file position_file(const struct entry *record)
{
    return (enum record_file)record->key[0];
}

struct slice position_ip_port(const struct entry *record)
{
    const uint8_t *text = record->key + IP_PORT_AT;
    return (struct slice){text, strlen((const char *)text)};
}
