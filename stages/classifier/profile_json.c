#include "stages/classifier/profile_json.h"

#include "common/base/text.h"
#include "stages/classifier/profile.h"
#include "stages/classifier/strict_json.h"

enum { MOST_DEPTH = 10 };

struct json_object *profile_json(const char *text, size_t length, const struct fault *fault)
{
    if (length > PROFILE_BYTES) {
        fault_say(fault, "larger than %d bytes", PROFILE_BYTES);
        return NULL;
    }
    size_t at = text_valid((const uint8_t *)text, length);
    if (at < length) {
        fault_say(fault, "not UTF-8 at byte %zu", at);
        return NULL;
    }
    const char *why;
    struct json_object *object = strict_json(text, length, MOST_DEPTH, &why, &at);
    if (json_object_is_type(object, json_type_object))
        return object;
    if (why)
        fault_say(fault, "not JSON at byte %zu: %s", at, why);
    else
        fault_say(fault, "must hold a JSON object");
    json_object_put(object);
    return NULL;
}
