#include <stddef.h>

#include "common/bus/stage.h"
#include "stages/extractor/extractor.h"

static void *on_begin(void *shared, const struct capture *capture, const struct outlet *outlet,
                      int *error)
{
    (void)shared;
    return extractor_new(capture, outlet, error);
}

static void on_expect(void *core, const struct event *events, uint32_t count)
{
    extractor_expect(core, events, count);
}

static int on_event(void *core, uint32_t from, const struct event *event)
{
    return extractor_event(core, from, event);
}

static int on_mark(void *core, uint32_t from, const struct mark *mark)
{
    return extractor_mark(core, from, mark);
}

static void on_end(void **core)
{
    struct extractor *extractor = *core;
    extractor_free(&extractor);
    *core = NULL;
}

static const struct stage_hooks HOOKS = {
    .role = TAPLINE_EXTRACTOR,
    .name = "tapline-extractor",
    .begin = on_begin,
    .event = on_event,
    .expect = on_expect,
    .mark = on_mark,
    .end = on_end,
};

int main(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-extractor --join ENDPOINT [options]",
        "Reads HTTP, TLS, DNS and QUIC out of flows; sends the records ahead to the sink.",
    };
    return stage_program(&HOOKS, &usage, NULL, argc, argv);
}
