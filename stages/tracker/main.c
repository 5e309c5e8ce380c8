#include <stddef.h>

#include "common/bus/stage.h"
#include "stages/tracker/tracker.h"

static void *on_begin(void *shared, const struct capture *capture, const struct outlet *outlet,
                      int *error)
{
    (void)shared;
    return tracker_new(capture, outlet, error);
}

static int on_frames(void *core, const struct frame *frames, uint32_t count)
{
    return tracker_frames(core, frames, count);
}

static int on_clock(void *core, int64_t time_ns)
{
    return tracker_clock(core, time_ns);
}

static int on_finish(void *core, uint64_t frames)
{
    return tracker_finish(core, frames);
}

static void on_demand(void *core, const struct demand *demand)
{
    tracker_demand(core, demand);
}

static void on_end(void **core)
{
    struct tracker *tracker = *core;
    tracker_free(&tracker);
    *core = NULL;
}

static const struct stage_hooks HOOKS = {
    .role = TAPLINE_TRACKER,
    .name = "tapline-tracker",
    .begin = on_begin,
    .frames = on_frames,
    .clock = on_clock,
    .finish = on_finish,
    .demand = on_demand,
    .end = on_end,
};

int main(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-tracker --join ENDPOINT [options]",
        "Decodes packets, follows flows, reassembles TCP streams; hands flow events on.",
    };
    return stage_program(&HOOKS, &usage, NULL, argc, argv);
}
