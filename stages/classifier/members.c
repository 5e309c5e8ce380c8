#include "stages/classifier/members.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_TEXT = 256 };

struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    json_object_object_get_ex(object, name, &value);
    return value;
}

/* The words as a fault lists them: "a", "b". */
static const char *listed(const char *const words[], char text[WORDS_TEXT])
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; words[i] && length < WORDS_TEXT; i++)
        length += (size_t)snprintf(text + length, WORDS_TEXT - length, "%s\"%s\"", i ? ", " : "",
                                   words[i]);
    return text;
}

bool members_one_of(struct json_object *object, const char *what, const char *const names[],
                    size_t *index, const struct fault *fault)
{
    size_t found = 0;
    char text[WORDS_TEXT];
    for (size_t i = 0; names[i]; i++) {
        if (json_object_object_get_ex(object, names[i], NULL)) {
            *index = i;
            found++;
        }
    }
    return found == 1 || fault_say(fault, "%s needs exactly one of %s", what, listed(names, text));
}

bool members_known(struct json_object *object, const char *what, const char *const known[],
                   const struct fault *fault)
{
    json_object_object_foreach(object, name, value)
    {
        (void)value;
        size_t i = 0;
        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (!known[i])
            return fault_say(fault, "\"%.32s\" is no member of %s", name, what);
    }
    return true;
}

bool member_number(struct json_object *object, const char *name, uint32_t least, uint32_t most,
                   uint32_t *value, const struct fault *fault)
{
    struct json_object *number;
    if (!json_object_object_get_ex(object, name, &number))
        return true;
    int64_t given = json_object_get_int64(number);
    if (!json_object_is_type(number, json_type_int) || given < least || given > most)
        return fault_say(fault, "\"%s\" must be a whole number from %" PRIu32 " to %" PRIu32, name,
                         least, most);
    *value = (uint32_t)given;
    return true;
}

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return true;
}

bool member_text(struct json_object *object, const char *name, char *text, size_t size,
                 const struct fault *fault)
{
    struct json_object *value = member(object, name);
    size_t length = value ? (size_t)json_object_get_string_len(value) : 0;
    if (!json_object_is_type(value, json_type_string) || length == 0 || length >= size ||
        !is_printable(json_object_get_string(value), length))
        return fault_say(fault, "\"%s\" must be text of 1 to %zu printable ASCII characters", name,
                         size - 1);
    memcpy(text, json_object_get_string(value), length + 1);
    return true;
}

bool member_word(struct json_object *object, const char *name, const char *const words[],
                 size_t *index, const struct fault *fault)
{
    struct json_object *value;
    if (!json_object_object_get_ex(object, name, &value))
        return true;
    for (size_t i = 0; words[i]; i++)
        if (json_object_is_type(value, json_type_string) &&
            strcmp(json_object_get_string(value), words[i]) == 0) {
            *index = i;
            return true;
        }
    char text[WORDS_TEXT];
    return fault_say(fault, "\"%s\" must be %s%s", name, words[1] ? "one of " : "",
                     listed(words, text));
}

bool member_objects(struct json_object *object, const char *name, size_t least, size_t most,
                    struct json_object **list, const struct fault *fault)
{
    struct json_object *array = member(object, name);
    size_t count =
        json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
    bool fits = json_object_is_type(array, json_type_array) && count >= least && count <= most;
    for (size_t i = 0; fits && i < count; i++)
        fits = json_object_is_type(json_object_array_get_idx(array, i), json_type_object);
    if (!fits)
        return fault_say(fault, "\"%s\" must be a list of %zu to %zu objects", name, least, most);
    *list = array;
    return true;
}

static int hex_digit(char c)
{
    const char *const digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

bool member_bytes(struct json_object *object, const char *name, bool hex, uint8_t *bytes,
                  size_t most, uint32_t *length, const struct fault *fault)
{
    struct json_object *value = member(object, name);
    const char *text = value ? json_object_get_string(value) : "";
    size_t given = value ? (size_t)json_object_get_string_len(value) : 0;
    size_t count = hex ? given / 2 : given;
    bool fits = json_object_is_type(value, json_type_string) && count >= 1 && count <= most &&
                (!hex || given % 2 == 0);
    for (size_t i = 0; fits && i < count; i++) {
        int high = hex ? hex_digit(text[2 * i]) : 0, low = hex ? hex_digit(text[2 * i + 1]) : 0;
        fits = high >= 0 && low >= 0;
        bytes[i] = hex ? (uint8_t)((high & 15) << 4 | (low & 15)) : (uint8_t)text[i];
    }
    if (!fits)
        return fault_say(fault, "\"%s\" must be %s of 1 to %zu bytes", name,
                         hex ? "pairs of hexadecimal digits" : "text", most);
    *length = (uint32_t)count;
    return true;
}
