/* The whole of a worker that has no options of its own. */
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/stage.h"

int stage_program(const struct stage_hooks *hooks, const struct opt_usage *usage, void *shared,
                  int argc, char **argv)
{
    struct stage_options options = STAGE_OPTIONS_DEFAULT;
    const struct opt_set sets[] = {{STAGE_OPTS, STAGE_OPTS_COUNT, &options},
                                   {WORKER_OPTS, WORKER_OPTS_COUNT, &options}};
    log_open(hooks->name, LOG_WARNING);
    enum opt_outcome outcome =
        opts_parse(usage, sets, sizeof sets / sizeof sets[0], argc, argv, NULL);
    if (outcome != OPT_GO)
        return outcome == OPT_ENDED ? EXIT_DONE : EXIT_WRONG_USE;
    return stage_main(hooks, &options, shared);
}
