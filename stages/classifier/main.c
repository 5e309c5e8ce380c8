#include <stddef.h>
#include <string.h>

#include "common/base/log.h"
#include "common/bus/stage.h"
#include "stages/classifier/classifier.h"
#include "stages/classifier/profile.h"

static void *on_begin(void *shared, const struct capture *capture, const struct outlet *outlet,
                      int *error)
{
    (void)shared;
    return classifier_new(capture, outlet, error);
}

static void on_expect(void *core, const struct event *events, uint32_t count)
{
    classifier_expect(core, events, count);
}

static int on_event(void *core, uint32_t from, const struct event *event)
{
    return classifier_event(core, from, event);
}

static int on_mark(void *core, uint32_t from, const struct mark *mark)
{
    return classifier_mark(core, from, mark);
}

static void on_demand(void *core, const struct demand *demand)
{
    classifier_demand(core, demand);
}

static void on_end(void **core)
{
    struct classifier *classifier = *core;
    classifier_free(&classifier);
    *core = NULL;
}

static const struct stage_hooks HOOKS = {
    .role = TAPLINE_CLASSIFIER,
    .name = "tapline-classifier",
    .begin = on_begin,
    .event = on_event,
    .expect = on_expect,
    .mark = on_mark,
    .demand = on_demand,
    .end = on_end,
};

int main(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-classifier --join ENDPOINT [options]\n"
        "       tapline-classifier --print-profile FILE...",
        "Says what flows are: platform signatures, HTTP, TLS, DNS, QUIC; hands on what is to be "
        "read.",
    };
    log_open(HOOKS.name, LOG_WARNING);
    if (argc > 2 && strcmp(argv[1], "--print-profile") == 0)
        return profile_command((const char *const *)argv + 2, (size_t)(argc - 2));
    return stage_program(&HOOKS, &usage, NULL, argc, argv);
}
