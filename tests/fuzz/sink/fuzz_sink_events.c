/* The sink's events: whatever they hold, what comes out of them is lines of JSON. An OPEN, which is
 * none of the records', stands for a horizon that has moved to its time: a part is taken. */
#include <json-c/json.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "stages/sink/printer.h"
#include "stages/sink/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { DEPTH = 64, MEMORY = 1024 * 1024 };

static void check_line(const struct buffer *line)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *object =
        json_tokener_parse_ex(tokener, (const char *)line->bytes, (int)line->length - 1);
    if (!json_object_is_type(object, json_type_object) ||
        json_tokener_get_parse_end(tokener) + 1 != line->length ||
        text_valid(line->bytes, line->length) != line->length)
        abort();
    json_object_put(object);
    json_tokener_free(tokener);
}

static void take_lines(struct records *records)
{
    struct printer *printer = printer_new((struct slice){(const uint8_t *)"UTC", 3});
    struct entry record;
    struct buffer line = {0};
    while (records_next(records, &record) == 0) {
        buffer_clear(&line);
        if (printer_line(printer, &record, &line) == 0)
            check_line(&line);
    }
    buffer_free(&line);
    printer_free(&printer);
}

static void take_events(struct records *records, struct unpack *from)
{
    struct event event;
    while (from->at < from->end && event_unpack(from, NULL, &event) == 0) {
        const struct horizon_times until = {event.open.time_ns, event.open.time_ns};
        int error = 0;
        if (event.kind == TAPLINE_CLOSE)
            error = records_close(records, event.flow, &event.close);
        else if (event.kind == TAPLINE_RECORD)
            error = records_add(records, event.flow, &event.record);
        else if (event.kind == TAPLINE_OPEN && records_part_due(records, until)) {
            records_begin_part(records, until);
            take_lines(records);
        }
        if (error)
            break;
    }
}

/* Nothing reaches the disk: certificates and what would be spilled have no directory to go to. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct unpack from = unpack_over(bytes, length);
    struct records_tools tools = {.summary = summary_new(),
                                  .certs = certs_new(-1),
                                  .directory = -1,
                                  .memory = MEMORY};
    struct records *records = records_new(&tools);
    take_events(records, &from);
    take_lines(records);
    records_free(&records);
    certs_free(&tools.certs);
    summary_free(&tools.summary);
    return 0;
}
