/* core_extractor PREFIX EVENTS: what flows say, by their events. */
#include "stages/extractor/extractor.h"
#include "tests/bench/core.h"

void core_run(char **arguments)
{
    int error = 0;
    const struct capture capture = core_capture(NULL);
    struct slice file = core_file(arguments[2]);
    struct extractor *extractor = extractor_new(&capture, core_outlet(arguments[1]), &error);
    core_check(error, "extractor");
    struct unpack batch;
    while (core_batch(&file, &batch))
        while (batch.at < batch.end) {
            struct event event;
            core_check(event_unpack(&batch, NULL, &event), "message");
            core_check(extractor_event(extractor, 1, &event), "event");
        }
    extractor_free(&extractor);
    core_close();
}
