#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/keys.h"
#include "common/bus/stage.h"
#include "stages/lobby/lobby.h"
#include "stages/lobby/query.h"

/* The lobby's part in the loop: a table, and the stage whose bus it answers over. */
struct wiring {
    struct lobby *lobby;
    struct stage *stage;
};

static int on_ready(void *shared, struct stage *stage)
{
    struct wiring *wiring = shared;
    wiring->stage = stage;
    return 0;
}

static int on_message(void *shared, const struct message_head *head, struct unpack *body)
{
    struct wiring *wiring = shared;
    if (head->kind == TAPLINE_QUERY)
        return query_answer(wiring->lobby, stage_bus(wiring->stage), body, stage_now());
    if (head->kind != TAPLINE_ANNOUNCE)
        return 0;
    int rc = lobby_announced(wiring->lobby, head, body, stage_now());
    if (rc == 1)
        lobby_send(wiring->lobby, stage_bus(wiring->stage));
    return rc < 0 ? rc : 0;
}

static int on_tick(void *shared, int64_t now_ns)
{
    struct wiring *wiring = shared;
    lobby_expire(wiring->lobby, now_ns);
    lobby_send(wiring->lobby, stage_bus(wiring->stage));
    return 0;
}

static void on_closing(void *shared)
{
    struct wiring *wiring = shared;
    lobby_free(&wiring->lobby);
}

static const struct stage_hooks HOOKS = {
    .role = TAPLINE_LOBBY,
    .name = "tapline-lobby",
    .ready = on_ready,
    .message = on_message,
    .tick = on_tick,
    .closing = on_closing,
};

int main(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-lobby --join ENDPOINT [options]\n"
        "       tapline-lobby --query ENDPOINT [options]\n"
        "       tapline-lobby --new-key FILE",
        "Keeps the roster of a pipeline: who is there, and where. Binds ENDPOINT itself.",
    };
    log_open(HOOKS.name, LOG_WARNING);
    if (argc > 1 && strcmp(argv[1], "--query") == 0)
        return query_command(argc, argv);
    if (argc == 3 && strcmp(argv[1], "--new-key") == 0)
        return error_exit(keys_create(argv[2]));
    struct wiring wiring = {.lobby = lobby_new()};
    int status = EXIT_PIPELINE;
    if (wiring.lobby)
        status = stage_program(&HOOKS, &usage, &wiring, argc, argv);
    lobby_free(&wiring.lobby); /* where the loop never began, nobody closed it */
    return status;
}
