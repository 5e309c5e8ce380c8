#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/stage.h"
#include "stages/sink/destination.h"
#include "stages/sink/sink.h"
#include "stages/sink/tap_socket.h"

/* What all captures of this process share. */
struct wiring {
    struct stage_options stage;
    struct sink_options sink;
    struct tap_options tap;
    struct tap_socket *socket; /* NULL: no tap */
    struct sink_shared shared;
};

static int on_ready(void *shared, struct stage *stage)
{
    struct wiring *wiring = shared;
    int error = wiring->sink.root ? destination_check_root(wiring->sink.root) : 0;
    wiring->shared.leftovers = leftovers_new();
    if (!error)
        wiring->shared.syncer = syncer_new(&error);
    if (error)
        return error;
    stage_watch_descriptor(stage, syncer_descriptor(wiring->shared.syncer));
    if (!wiring->tap.endpoint)
        return 0;
    wiring->socket = tap_socket_new(stage_bus(stage), &wiring->tap, &error);
    if (!wiring->socket)
        return error;
    wiring->shared.tap = tap_socket_tap(wiring->socket);
    stage_watch(stage, tap_socket_handle(wiring->socket));
    return 0;
}

static int on_attend(void *shared)
{
    struct wiring *wiring = shared;
    syncer_heard(wiring->shared.syncer);
    if (wiring->socket)
        tap_socket_serve(wiring->socket);
    return 0;
}

static int on_tick(void *shared, int64_t now_ns)
{
    struct wiring *wiring = shared;
    if (wiring->socket)
        tap_socket_tick(wiring->socket, now_ns);
    return 0;
}

static void on_closing(void *shared)
{
    struct wiring *wiring = shared;
    tap_socket_free(&wiring->socket);
    syncer_free(&wiring->shared.syncer);
    leftovers_free(&wiring->shared.leftovers);
}

static void *on_begin(void *shared, const struct capture *capture, const struct outlet *outlet,
                      int *error)
{
    const struct wiring *wiring = shared;
    return sink_new(capture, outlet, &wiring->shared, &wiring->sink, error);
}

static int on_event(void *core, uint32_t from, const struct event *event)
{
    return sink_event(core, from, event);
}

static int on_mark(void *core, uint32_t from, const struct mark *mark)
{
    (void)from;
    return sink_mark(core, mark);
}

static int on_message(void *core, const struct message_head *head, struct unpack *body)
{
    return sink_message(core, head->kind, body, stage_now());
}

static int on_turn(void *core, int64_t now_ns)
{
    return sink_turn(core, now_ns);
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
    .mark = on_mark,
    .message = on_message,
    .turn = on_turn,
    .end = on_end,
    .ready = on_ready,
    .attend = on_attend,
    .tick = on_tick,
    .closing = on_closing,
};

int main(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-sink --join ENDPOINT [options]",
        "Takes in the records, sorts them, proves that none is missing, and publishes them.",
    };
    struct wiring wiring = {.stage = STAGE_OPTIONS_DEFAULT,
                            .sink = SINK_OPTIONS_DEFAULT,
                            .tap = TAP_OPTIONS_DEFAULT};
    const struct opt_set sets[] = {{SINK_OPTS, SINK_OPTS_COUNT, &wiring.sink},
                                   {TAP_OPTS, TAP_OPTS_COUNT, &wiring.tap},
                                   {STAGE_OPTS, STAGE_OPTS_COUNT, &wiring.stage},
                                   {WORKER_OPTS, WORKER_OPTS_COUNT, &wiring.stage}};
    log_open(HOOKS.name, LOG_WARNING);
    enum opt_outcome outcome =
        opts_parse(&usage, sets, sizeof sets / sizeof sets[0], argc, argv, NULL);
    if (outcome != OPT_GO)
        return outcome == OPT_ENDED ? EXIT_DONE : EXIT_WRONG_USE;
    return stage_main(&HOOKS, &wiring.stage, &wiring);
}
