#include "stages/classifier/profile_json.h"

#include "stages/classifier/profile.h"

enum { MOST_DEPTH = 10 };

struct json_object *profile_json(const char *text, size_t length, const struct fault *fault)
{
    if (length > PROFILE_BYTES) {
        fault_say(fault, "larger than %d bytes", PROFILE_BYTES);
        return NULL;
    }
    struct json_tokener *tokener = json_tokener_new_ex(MOST_DEPTH);
    if (!tokener) {
        fault_say(fault, "no memory");
        return NULL;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, text, (int)length);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (error == json_tokener_continue)
        fault_say(fault, "the JSON breaks off");
    else if (error != json_tokener_success)
        fault_say(fault, "not JSON at byte %zu: %s", end, json_tokener_error_desc(error));
    else if (!json_object_is_type(object, json_type_object))
        fault_say(fault, "must hold a JSON object");
    else
        return object;
    json_object_put(object);
    return NULL;
}
