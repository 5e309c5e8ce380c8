/* What comes from a tap: whatever it holds, a consumer takes it or passes it over, and what it
 * takes can be read and printed. An input is a run of messages: the lengths of both frames (one
 * byte, and two, the lower first), and the frames. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/consumer/intake.h"
#include "common/consumer/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { DEPTH = 64 };

static void check_line(const struct buffer *line)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *object =
        json_tokener_parse_ex(tokener, (const char *)line->bytes, (int)line->length);
    if (!json_object_is_type(object, json_type_object) ||
        text_valid(line->bytes, line->length) != line->length)
        abort();
    json_object_put(object);
    json_tokener_free(tokener);
}

static struct slice cut(struct slice *input, size_t length)
{
    struct slice taken = {input->bytes, length < input->length ? length : input->length};
    input->bytes += taken.length;
    input->length -= taken.length;
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct intake intake;
    struct slice input = {bytes, length};
    struct stamp *utc = stamp_new("UTC", 3);
    struct buffer line = {0};
    int error;
    memset(&intake, 0, sizeof intake);
    intake_subscribe(&intake, "flow");
    intake_ready(&intake);
    intake_subscribe(&intake, "");
    while (input.length >= 3) {
        struct slice head = cut(&input, 3);
        struct slice topic = cut(&input, head.bytes[0]);
        struct slice body = cut(&input, head.bytes[1] | (size_t)head.bytes[2] << 8);
        if (!intake_take(&intake, topic, body, &error))
            continue;
        buffer_clear(&line);
        if (print_record(&intake.record, utc, &line) != 0)
            abort();
        check_line(&line);
    }
    heads_missed(&intake.heads, "");
    buffer_free(&line);
    stamp_free(&utc);
    return 0;
}
