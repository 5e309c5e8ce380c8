/* core_sink OUT TALLY,... EVENTS,...: results in OUT from the tallies and events of the others. */
#include <string.h>

#include "common/wire/pack.h"
#include "stages/sink/sink.h"
#include "tests/bench/core.h"

static void take_tally(struct sink *sink, const char *path)
{
    struct slice file = core_file(path);
    struct unpack tally;
    while (core_batch(&file, &tally))
        core_check(sink_message(sink, TAPLINE_TALLY, &tally, 0), path);
}

static void take_events(struct sink *sink, const char *path)
{
    struct slice file = core_file(path);
    struct unpack batch;
    while (core_batch(&file, &batch))
        while (batch.at < batch.end) {
            struct event event;
            core_check(event_unpack(&batch, NULL, &event), "message");
            core_check(sink_event(sink, 1, &event), "event");
        }
}

void core_run(char **arguments)
{
    int error = 0;
    const struct sink_shared alone = {0};
    struct capture capture = core_capture(NULL);
    capture.out = (struct slice){(const uint8_t *)arguments[1], strlen(arguments[1])};
    struct sink *sink =
        sink_new(&capture, core_outlet(arguments[1]), &alone, &SINK_OPTIONS_DEFAULT, &error);
    core_check(error, "sink");
    for (char *path = strtok(arguments[2], ","); path; path = strtok(NULL, ","))
        take_tally(sink, path);
    for (char *path = strtok(arguments[3], ","); path; path = strtok(NULL, ","))
        take_events(sink, path);
    struct buffer word = {0};
    pack_array(&word, 1);
    pack_bool(&word, true);
    struct unpack body = unpack_over(word.bytes, word.length);
    core_check(core_told() != TAPLINE_ASK, "the sink did not ask for the word");
    core_check(sink_message(sink, TAPLINE_WORD, &body, 0), "word");
    sink_free(&sink);
    buffer_free(&word);
}
