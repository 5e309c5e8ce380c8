#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/keys.h"
#include "common/bus/stage.h"
#include "stages/lobby/lobby.h"
#include "stages/lobby/query.h"

#define SECONDS(n) (INT64_C(1000000000) * (n))

/* The lobby's part in the loop: a table, and the stage whose bus it answers over. */
struct wiring {
    struct stage_options options;
    int64_t patience_ns;
    struct lobby *lobby;
    struct stage *stage;
};

/* Workers announce themselves every second: nobody could hold to less than two. */
static const struct opt LOBBY_OPTS[] = {
    {"patience", OPT_DURATION, offsetof(struct wiring, patience_ns), "SECONDS",
     "how long a worker may be silent before it is struck out, and what it has is done anew",
     SECONDS(2), 0},
};

static int on_ready(void *shared, struct stage *stage)
{
    struct wiring *wiring = shared;
    wiring->stage = stage;
    wiring->lobby = lobby_new(wiring->patience_ns);
    return wiring->lobby ? 0 : -ENOMEM;
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
    struct wiring wiring = {.options = STAGE_OPTIONS_DEFAULT, .patience_ns = SECONDS(5)};
    const struct opt_set sets[] = {
        {LOBBY_OPTS, sizeof LOBBY_OPTS / sizeof LOBBY_OPTS[0], &wiring},
        {STAGE_OPTS, STAGE_OPTS_COUNT, &wiring.options}};
    enum opt_outcome outcome =
        opts_parse(&usage, sets, sizeof sets / sizeof sets[0], argc, argv, NULL);
    if (outcome != OPT_GO)
        return outcome == OPT_ENDED ? EXIT_DONE : EXIT_WRONG_USE;
    return stage_main(&HOOKS, &wiring.options, &wiring);
}
