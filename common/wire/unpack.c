#include "common/wire/unpack.h"

#include <string.h>

#include "common/base/big_endian.h"
#include "common/base/error.h"

enum { MAX_DEPTH = 32, NS_PER_S = 1000000000 };

static void fail(struct unpack *u, int error)
{
    if (!u->error)
        u->error = error;
    u->at = u->end;
}

void unpack_refuse(struct unpack *u)
{
    fail(u, ERR_MALFORMED);
}

/* The number in the next `width` bytes, 1 to 8. Nearly always more bytes than that are left: then
 * one load reads them, whatever the width. */
static inline uint64_t big_endian(struct unpack *u, size_t width)
{
    const uint8_t *at = u->at;
    size_t left = (size_t)(u->end - at);
    uint64_t value = 0;
    if (left < width) {
        fail(u, ERR_TRUNCATED);
        return 0;
    }
    u->at += width;
    if (left >= sizeof value)
        return big_endian_64(at) >> (64 - 8 * width);
    for (size_t i = 0; i < width; i++)
        value = value << 8 | at[i];
    return value;
}

static inline struct slice take(struct unpack *u, size_t length)
{
    if ((size_t)(u->end - u->at) < length) {
        fail(u, ERR_TRUNCATED);
        return (struct slice){0};
    }
    struct slice s = {u->at, length};
    u->at += length;
    return s;
}

/* The tag byte, stepped over; nil's where there is none, which no caller but unpack_nil accepts. */
static inline uint8_t tag(struct unpack *u)
{
    if (u->error || u->at == u->end) {
        fail(u, ERR_TRUNCATED);
        return 0xc1; /* never used by msgpack */
    }
    return *u->at++;
}

/* By the tag's upper half, 0xc and 0xd left out, */
static const uint8_t types_of_halves[16] = {
    UNPACK_INT, UNPACK_INT, UNPACK_INT, UNPACK_INT,   UNPACK_INT, UNPACK_INT,
    UNPACK_INT, UNPACK_INT, UNPACK_MAP, UNPACK_ARRAY, UNPACK_STR, UNPACK_STR,
    0,          0,          UNPACK_INT, UNPACK_INT,
};

/* and for these by the tag. An extension (UNPACK_OTHER) may be a timestamp. */
static const uint8_t types_of_tags[32] = {
    UNPACK_NIL,   UNPACK_OTHER, UNPACK_BOOL,  UNPACK_BOOL,  UNPACK_BIN,    UNPACK_BIN,
    UNPACK_BIN,   UNPACK_OTHER, UNPACK_OTHER, UNPACK_OTHER, UNPACK_DOUBLE, UNPACK_DOUBLE,
    UNPACK_INT,   UNPACK_INT,   UNPACK_INT,   UNPACK_INT,   UNPACK_INT,    UNPACK_INT,
    UNPACK_INT,   UNPACK_INT,   UNPACK_OTHER, UNPACK_OTHER, UNPACK_OTHER,  UNPACK_OTHER,
    UNPACK_OTHER, UNPACK_STR,   UNPACK_STR,   UNPACK_STR,   UNPACK_ARRAY,  UNPACK_ARRAY,
    UNPACK_MAP,   UNPACK_MAP,
};

static enum unpack_type type_of_tag(uint8_t tag)
{
    bool by_half = tag < 0xc0 || tag >= 0xe0;
    return (enum unpack_type)(by_half ? types_of_halves[tag >> 4] : types_of_tags[tag & 0x1f]);
}

enum unpack_type unpack_type(const struct unpack *u)
{
    if (u->error || u->at == u->end)
        return UNPACK_NONE;
    uint8_t t = *u->at;
    enum unpack_type type = type_of_tag(t);
    if (type != UNPACK_OTHER)
        return type;
    size_t left = (size_t)(u->end - u->at);
    bool stamp = ((t == 0xd6 || t == 0xd7) && left > 1 && u->at[1] == 0xff) ||
                 (t == 0xc7 && left > 2 && u->at[1] == 12 && u->at[2] == 0xff);
    return stamp ? UNPACK_TIME : UNPACK_OTHER;
}

uint64_t unpack_uint_checked(struct unpack *u)
{
    uint8_t t = tag(u);
    if (t < 0x80)
        return t;
    if (t >= 0xcc && t <= 0xcf)
        return big_endian(u, (size_t)1 << (t - 0xcc));
    if (t >= 0xd0 && t <= 0xd3) {
        u->at--;
        int64_t value = unpack_int(u);
        if (value >= 0)
            return (uint64_t)value;
    }
    unpack_refuse(u);
    return 0;
}

int64_t unpack_int_checked(struct unpack *u)
{
    uint8_t t = tag(u);
    if (t < 0x80)
        return t;
    if (t >= 0xe0)
        return (int8_t)t;
    if (t >= 0xcc && t <= 0xcf) {
        uint64_t value = big_endian(u, (size_t)1 << (t - 0xcc));
        if (value <= INT64_MAX)
            return (int64_t)value;
    } else if (t >= 0xd0 && t <= 0xd3) {
        size_t width = (size_t)1 << (t - 0xd0);
        uint64_t value = big_endian(u, width);
        switch (width) {
        case 1: return (int8_t)value;
        case 2: return (int16_t)value;
        case 4: return (int32_t)value;
        default: return (int64_t)value;
        }
    }
    unpack_refuse(u);
    return 0;
}

double unpack_double(struct unpack *u)
{
    if (unpack_type(u) == UNPACK_INT)
        return *u->at == 0xcf ? (double)unpack_uint(u) : (double)unpack_int(u);
    uint8_t t = tag(u);
    if (t == 0xca) {
        uint32_t bits = (uint32_t)big_endian(u, 4);
        float value;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    if (t == 0xcb) {
        uint64_t bits = big_endian(u, 8);
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    unpack_refuse(u);
    return 0;
}

bool unpack_bool(struct unpack *u)
{
    uint8_t t = tag(u);
    if (t != 0xc2 && t != 0xc3)
        unpack_refuse(u);
    return t == 0xc3;
}

void unpack_nil(struct unpack *u)
{
    if (tag(u) != 0xc0)
        unpack_refuse(u);
}

int64_t unpack_time(struct unpack *u)
{
    if (unpack_type(u) != UNPACK_TIME) {
        tag(u);
        unpack_refuse(u);
        return 0;
    }
    uint8_t t = tag(u);
    int64_t seconds;
    uint64_t nanoseconds = 0;
    if (t == 0xd6) {
        u->at++;
        seconds = (int64_t)big_endian(u, 4);
    } else if (t == 0xd7) {
        u->at++;
        uint64_t both = big_endian(u, 8);
        nanoseconds = both >> 34;
        seconds = (int64_t)(both & 0x3ffffffff);
    } else {
        u->at += 2;
        nanoseconds = big_endian(u, 4);
        seconds = (int64_t)big_endian(u, 8);
    }
    int64_t rest = (int64_t)nanoseconds, time_ns;
    if (seconds < 0) { /* both parts of one sign, so that no sum leaves the range on its way */
        seconds++;
        rest -= NS_PER_S;
    }
    if (nanoseconds >= NS_PER_S || __builtin_mul_overflow(seconds, NS_PER_S, &time_ns) ||
        __builtin_add_overflow(time_ns, rest, &time_ns)) {
        unpack_refuse(u);
        return 0;
    }
    return time_ns;
}

struct slice unpack_str_checked(struct unpack *u)
{
    uint8_t t = tag(u);
    if (t >= 0xa0 && t < 0xc0)
        return take(u, t & 0x1f);
    if (t >= 0xd9 && t <= 0xdb)
        return take(u, big_endian(u, (size_t)1 << (t - 0xd9)));
    unpack_refuse(u);
    return (struct slice){0};
}

struct slice unpack_bin_checked(struct unpack *u)
{
    uint8_t t = tag(u);
    if (t >= 0xc4 && t <= 0xc6)
        return take(u, big_endian(u, (size_t)1 << (t - 0xc4)));
    unpack_refuse(u);
    return (struct slice){0};
}

/* A count of values of at least one byte each: more than there are bytes cannot be. */
static inline uint32_t counted(struct unpack *u, uint64_t count, size_t bytes_each)
{
    if (count > (size_t)(u->end - u->at) / bytes_each) {
        fail(u, ERR_TRUNCATED);
        return 0;
    }
    return (uint32_t)count;
}

uint32_t unpack_array_checked(struct unpack *u)
{
    uint8_t t = tag(u);
    if (t >= 0x90 && t < 0xa0)
        return counted(u, t & 0x0f, 1);
    if (t == 0xdc || t == 0xdd)
        return counted(u, big_endian(u, t == 0xdc ? 2 : 4), 1);
    unpack_refuse(u);
    return 0;
}

uint32_t unpack_array_of(struct unpack *u, uint32_t least)
{
    uint32_t count = unpack_array(u);
    if (!u->error && count < least)
        unpack_refuse(u);
    return u->error ? 0 : count;
}

uint32_t unpack_map(struct unpack *u)
{
    uint8_t t = tag(u);
    if (t >= 0x80 && t < 0x90)
        return counted(u, t & 0x0f, 2);
    if (t == 0xde || t == 0xdf)
        return counted(u, big_endian(u, t == 0xde ? 2 : 4), 2);
    unpack_refuse(u);
    return 0;
}

/* What follows the tags from 0xc0 on that hold no values: so many bytes, and the width of a number
 * before them that says how many more. */
static const struct {
    uint8_t bytes;
    uint8_t width;
} layouts_of_tags[] = {
    {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 1}, {0, 2}, {0, 4},  {1, 1}, {1, 2}, {1, 4},
    {4, 0}, {8, 0}, {1, 0}, {2, 0}, {4, 0}, {8, 0}, {1, 0},  {2, 0}, {4, 0}, {8, 0},
    {2, 0}, {3, 0}, {5, 0}, {9, 0}, {17, 0}, {0, 1}, {0, 2}, {0, 4},
};

/* What skip_one does where the tag has its upper half 0xc or 0xd. */
static uint64_t skip_tagged(struct unpack *u, uint8_t t)
{
    if (t >= 0xdc)
        return t < 0xde ? counted(u, big_endian(u, t == 0xdc ? 2 : 4), 1)
                        : 2 * (uint64_t)counted(u, big_endian(u, t == 0xde ? 2 : 4), 2);
    if (t == 0xc1)
        unpack_refuse(u);
    size_t bytes = layouts_of_tags[t - 0xc0].bytes, width = layouts_of_tags[t - 0xc0].width;
    take(u, bytes + (width ? (size_t)big_endian(u, width) : 0));
    return 0;
}

/* Steps over one value's head and, where it holds no values itself, over all of it; returns how
 * many values it holds. */
static inline uint64_t skip_one(struct unpack *u)
{
    uint8_t t = tag(u);
    if (t >= 0xa0 && t < 0xc0)
        take(u, t & 0x1f);
    else if (t >= 0xc0 && t < 0xe0)
        return skip_tagged(u, t);
    else if (t >= 0x90 && t < 0xa0)
        return counted(u, t & 0x0f, 1);
    else if (t >= 0x80 && t < 0x90)
        return 2 * (uint64_t)counted(u, t & 0x0f, 2);
    return 0;
}

void unpack_skip(struct unpack *u)
{
    uint64_t left[MAX_DEPTH]; /* the values to step over at every depth, */
    size_t depth = 0;
    uint64_t count = skip_one(u); /* and at this one */
    for (;;) {
        while (count) {
            uint64_t held = skip_one(u);
            count = u->error ? 0 : count - 1;
            if (!held)
                continue;
            if (depth + 2 == MAX_DEPTH) { /* where those that it holds would lie */
                unpack_refuse(u);
                return;
            }
            left[depth++] = count;
            count = held;
        }
        if (!depth || u->error)
            return;
        count = left[--depth];
    }
}

void unpack_skip_many(struct unpack *u, uint32_t count)
{
    while (count-- && !u->error)
        unpack_skip(u);
}

struct slice unpack_raw(struct unpack *u)
{
    const uint8_t *start = u->at;
    unpack_skip(u);
    return u->error ? (struct slice){0} : (struct slice){start, (size_t)(u->at - start)};
}
