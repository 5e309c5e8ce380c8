#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/stage.h"
#include "stages/sink/sink.h"

static void *on_begin(void *shared, const struct capture *capture, const struct outlet *outlet,
                      int *error)
{
    return sink_new(capture, outlet, shared, error);
}

static int on_event(void *core, uint32_t from, const struct event *event)
{
    return sink_event(core, from, event);
}

static int on_message(void *core, const struct message_head *head, struct unpack *body)
{
    return sink_message(core, head->kind, body);
}

static void on_end(void **core)
{
    struct sink *sink = *core;
    sink_free(&sink);
    *core = NULL;
}

static const struct stage_hooks HOOKS = {
    .role = TAPLINE_SINK,
    .name = "tapline-sink",
    .begin = on_begin,
    .event = on_event,
    .message = on_message,
    .end = on_end,
};

int main(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-sink --join ENDPOINT [options]",
        "Takes in the records, sorts them, proves that none is missing, and publishes them.",
    };
    struct stage_options stage = STAGE_OPTIONS_DEFAULT;
    struct sink_options options = SINK_OPTIONS_DEFAULT;
    const struct opt_set sets[] = {{SINK_OPTS, SINK_OPTS_COUNT, &options},
                                   {STAGE_OPTS, STAGE_OPTS_COUNT, &stage}};
    int first;
    log_open(HOOKS.name, LOG_WARNING);
    enum opt_outcome outcome =
        opts_parse(&usage, sets, sizeof sets / sizeof sets[0], argc, argv, &first);
    if (outcome != OPT_GO)
        return outcome == OPT_ENDED ? EXIT_DONE : EXIT_WRONG_USE;
    return stage_main(&HOOKS, &stage, &options);
}
