#include "stages/classifier/stun.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/error.h"
#include "common/wire/pack.h"
#include "stages/classifier/strict_json.h"

enum {
    ATTRIBUTE_HEADER = 4,
    LEAST_TYPE = 0x0001,
    MOST_TYPE = 0x0111,
    MOST_DEPTH = 16, /* of a value; records are read to twice that */
};

static size_t padded(size_t length)
{
    return (length + 3) & ~(size_t)3;
}

bool stun_recognise(const uint8_t *bytes, size_t length, size_t missing)
{
    struct cursor c = cursor_over(bytes, length);
    uint16_t type = cursor_u16(&c), size = cursor_u16(&c);
    cursor_skip(&c, STUN_HEADER - 4);
    if (c.bad || type < LEAST_TYPE || type > MOST_TYPE || size % 4 != 0 ||
        (size_t)size + STUN_HEADER != length + missing)
        return false;
    while (cursor_left(&c) >= ATTRIBUTE_HEADER) {
        cursor_skip(&c, 2);
        size_t value = padded(cursor_u16(&c)), left = cursor_left(&c);
        if (value > left + missing)
            return false;
        cursor_skip(&c, value < left ? value : left);
    }
    return true;
}

struct cursor stun_attributes(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_over(bytes, length);
    cursor_skip(&c, STUN_HEADER);
    return c;
}

bool stun_next(struct cursor *attributes, uint16_t type, struct slice *value)
{
    while (cursor_left(attributes) >= ATTRIBUTE_HEADER) {
        uint16_t found = cursor_u16(attributes);
        size_t length = cursor_u16(attributes);
        const uint8_t *bytes = cursor_take(attributes, length);
        size_t padding = padded(length) - length, left = cursor_left(attributes);
        cursor_skip(attributes, padding < left ? padding : left);
        if (bytes && found == type) {
            *value = (struct slice){bytes, length};
            return true;
        }
    }
    return false;
}

/* Text may hold NULs and bytes that are no UTF-8; pack_text drops the latter. */
static void pack_json_text(struct buffer *to, struct json_object *text)
{
    pack_text(to, json_object_get_string(text), (size_t)json_object_get_string_len(text));
}

static int pack_json(struct buffer *to, struct json_object *value, bool sorted);

static int compare_members(const void *a, const void *b)
{
    const struct json_object_iterator *left = a, *right = b;
    return strcmp(json_object_iter_peek_name(left), json_object_iter_peek_name(right));
}

/* The members of an object as pairs, in their order or sorted by name; *pairs counts them. */
static int pack_members(struct buffer *to, struct json_object *object, bool sorted,
                        const char *except, uint32_t *pairs)
{
    size_t count = (size_t)json_object_object_length(object), at = 0;
    struct json_object_iterator *members = calloc(count ? count : 1, sizeof *members);
    if (!members)
        return -ENOMEM;
    struct json_object_iterator member = json_object_iter_begin(object);
    struct json_object_iterator end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&member, &end); json_object_iter_next(&member))
        members[at++] = member;
    if (sorted)
        qsort(members, count, sizeof *members, compare_members);
    int error = 0;
    *pairs = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        const char *name = json_object_iter_peek_name(&members[i]);
        if (except && strcmp(name, except) == 0)
            continue;
        pack_text(to, name, strlen(name));
        error = pack_json(to, json_object_iter_peek_value(&members[i]), sorted);
        ++*pairs;
    }
    free(members);
    return error;
}

static int pack_json_list(struct buffer *to, struct json_object *list, bool sorted)
{
    size_t count = json_object_array_length(list);
    int error = 0;
    pack_array(to, count);
    for (size_t i = 0; i < count && error == 0; i++)
        error = pack_json(to, json_object_array_get_idx(list, i), sorted);
    return error;
}

/* json-c gives the nearest number for one that 64 bits cannot hold: it would be another. */
static int pack_json_int(struct buffer *to, struct json_object *value)
{
    int64_t number = json_object_get_int64(value);
    uint64_t natural = json_object_get_uint64(value);
    if (number == INT64_MIN || natural == UINT64_MAX)
        return ERR_MALFORMED;
    if (number < 0)
        pack_int(to, number);
    else
        pack_uint(to, natural);
    return 0;
}

static int pack_json(struct buffer *to, struct json_object *value, bool sorted)
{
    uint32_t pairs;
    switch (json_object_get_type(value)) {
    case json_type_null: pack_nil(to); return 0;
    case json_type_boolean: pack_bool(to, json_object_get_boolean(value)); return 0;
    case json_type_string: pack_json_text(to, value); return 0;
    case json_type_array: return pack_json_list(to, value, sorted);
    case json_type_object:
        pack_map(to, (size_t)json_object_object_length(value));
        return pack_members(to, value, sorted, NULL, &pairs);
    case json_type_int: return pack_json_int(to, value);
    case json_type_double: break;
    }
    /* 1e999 is JSON, but no number that a record could hold. */
    if (!isfinite(json_object_get_double(value)))
        return ERR_MALFORMED;
    pack_double(to, json_object_get_double(value));
    return 0;
}

static int digest_object(struct json_object *object, uint64_t digest[2])
{
    struct buffer sorted = {0};
    uint32_t pairs;
    int error = pack_members(&sorted, object, true, NULL, &pairs);
    if (error == 0 && sorted.failed)
        error = -ENOMEM;
    if (error == 0) {
        XXH128_hash_t hash = XXH3_128bits(sorted.bytes, sorted.length);
        digest[0] = hash.low64;
        digest[1] = hash.high64;
    }
    buffer_free(&sorted);
    return error;
}

int stun_object(struct slice text, const char *except, struct buffer *to, uint32_t *pairs,
                uint64_t digest[2])
{
    const char *fault;
    size_t before = to->length, at;
    struct json_object *object =
        strict_json((const char *)text.bytes, text.length, MOST_DEPTH, &fault, &at);
    int error = ERR_MALFORMED;
    if (json_object_is_type(object, json_type_object)) {
        error = pack_members(to, object, false, except, pairs);
        if (error == 0)
            error = digest_object(object, digest);
    }
    if (error != 0)
        to->length = before;
    else if (to->failed)
        error = -ENOMEM;
    json_object_put(object);
    return error;
}
