/* core_classifier PREFIX EVENTS PROFILE: what flows are, by their events. */
#include "stages/classifier/classifier.h"
#include "tests/bench/core.h"

void core_run(char **arguments)
{
    int error = 0;
    const struct capture capture = core_capture(arguments[3]);
    struct slice file = core_file(arguments[2]);
    struct classifier *classifier = classifier_new(&capture, core_outlet(arguments[1]), &error);
    core_check(error, "classifier");
    struct unpack batch;
    while (core_batch(&file, &batch))
        while (batch.at < batch.end) {
            struct event event;
            core_check(event_unpack(&batch, NULL, &event), "message");
            core_check(classifier_event(classifier, 1, &event), "event");
        }
    classifier_free(&classifier);
    core_close();
}
