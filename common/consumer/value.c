#include <string.h>
#include <tapline/consumer.h>

#include "common/consumer/record.h"
#include "common/wire/unpack.h"

static struct unpack reader_of(struct tapline_value value)
{
    return unpack_over(value.bytes, value.length);
}

enum tapline_type tapline_type_of(struct tapline_value value)
{
    static const enum tapline_type types[] = {
        [UNPACK_NONE] = TAPLINE_NONE,   [UNPACK_NIL] = TAPLINE_NIL,
        [UNPACK_BOOL] = TAPLINE_BOOL,   [UNPACK_INT] = TAPLINE_INT,
        [UNPACK_STR] = TAPLINE_TEXT,    [UNPACK_DOUBLE] = TAPLINE_DOUBLE,
        [UNPACK_ARRAY] = TAPLINE_LIST,  [UNPACK_MAP] = TAPLINE_MAP,
        [UNPACK_TIME] = TAPLINE_TIME,   [UNPACK_BIN] = TAPLINE_OTHER,
        [UNPACK_OTHER] = TAPLINE_OTHER,
    };
    struct unpack from = reader_of(value);
    return types[unpack_type(&from)];
}

bool tapline_bool(struct tapline_value value, bool *out)
{
    struct unpack from = reader_of(value);
    bool read = unpack_bool(&from);
    if (!from.error)
        *out = read;
    return !from.error;
}

bool tapline_int(struct tapline_value value, int64_t *out)
{
    struct unpack from = reader_of(value);
    int64_t read = unpack_int(&from);
    if (!from.error)
        *out = read;
    return !from.error;
}

bool tapline_double(struct tapline_value value, double *out)
{
    struct unpack from = reader_of(value);
    double read = unpack_double(&from);
    if (!from.error)
        *out = read;
    return !from.error;
}

bool tapline_text(struct tapline_value value, const char **text, size_t *length)
{
    struct unpack from = reader_of(value);
    struct slice read = unpack_str(&from);
    if (from.error)
        return false;
    *text = (const char *)read.bytes;
    *length = read.length;
    return true;
}

bool tapline_time(struct tapline_value value, int64_t *out)
{
    struct unpack from = reader_of(value);
    int64_t read = unpack_time(&from);
    if (!from.error)
        *out = read;
    return !from.error;
}

struct tapline_items tapline_items(struct tapline_value value)
{
    struct unpack from = reader_of(value);
    bool named = unpack_type(&from) == UNPACK_MAP;
    uint32_t left = named ? unpack_map(&from) : unpack_array(&from);
    return (struct tapline_items){
        .rest = {from.at, from.error ? 0 : (size_t)(from.end - from.at)},
        .left = from.error ? 0 : left,
        .named = named,
    };
}

bool tapline_item(struct tapline_items *items, struct tapline_value *name,
                  struct tapline_value *value)
{
    struct unpack from = reader_of(items->rest);
    struct slice key = {0}, item = {0};
    if (!items->left)
        return false;
    if (items->named)
        key = unpack_raw(&from);
    item = unpack_raw(&from);
    if (from.error) {
        items->left = 0;
        return false;
    }
    items->left--;
    items->rest = (struct tapline_value){from.at, (size_t)(from.end - from.at)};
    if (name)
        *name = (struct tapline_value){key.bytes, key.length};
    *value = (struct tapline_value){item.bytes, item.length};
    return true;
}

struct tapline_value tapline_get(const struct tapline_record *record, const char *key)
{
    struct tapline_items items = tapline_items(tapline_record_value(record));
    struct tapline_value name, value;
    const char *text;
    size_t length, wanted = strlen(key);
    while (tapline_item(&items, &name, &value))
        if (tapline_text(name, &text, &length) && length == wanted &&
            memcmp(text, key, wanted) == 0)
            return value;
    return (struct tapline_value){0};
}

const char *tapline_topic(const struct tapline_record *record)
{
    return record->topic;
}

struct tapline_value tapline_record_value(const struct tapline_record *record)
{
    return record->map;
}
