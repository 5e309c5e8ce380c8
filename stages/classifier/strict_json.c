#include "stages/classifier/strict_json.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* How many of the bytes, from the first on, may stand in JSON where they stand. */
static size_t plausible(const char *text, size_t length)
{
    static const char outside[] = "{}[]:,\"+-.0123456789eE \t\r\ntrufalsn";
    bool string = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (string ? (unsigned char)c < ' ' : !memchr(outside, c, sizeof outside - 1))
            return i;
        if (!string && c == '.' && (i + 1 == length || !is_digit(text[i + 1])))
            return i;
        if (string && c == '\\')
            i++;
        else if (c == '"')
            string = !string;
    }
    return length;
}

struct json_object *strict_json(const char *text, size_t length, int depth, const char **fault,
                                size_t *at)
{
    assert(length <= INT_MAX);
    struct json_tokener *tokener = json_tokener_new_ex(depth);
    *at = plausible(text, length);
    *fault = !tokener ? "no memory" : *at < length ? "unexpected character" : NULL;
    struct json_object *value = NULL;
    if (!*fault) {
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        value = json_tokener_parse_ex(tokener, text, (int)length);
        *at = json_tokener_get_parse_end(tokener);
        enum json_tokener_error error = json_tokener_get_error(tokener);
        if (error != json_tokener_success)
            *fault =
                error == json_tokener_continue ? "it breaks off" : json_tokener_error_desc(error);
    }
    if (tokener)
        json_tokener_free(tokener);
    if (*fault && value) {
        json_object_put(value);
        value = NULL;
    }
    return value;
}
