#include "common/base/log.h"
#include "stages/reader/reader.h"

static const struct stage_hooks HOOKS = {
    .role = TAPLINE_READER,
    .name = "tapline-reader",
    .ready = reader_ready,
    .pull = reader_pull,
    .message = reader_message,
    .end = reader_end,
    .closing = reader_closing,
};

int main(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-reader --join ENDPOINT --out DIR --profile FILE [options] CAPTURE...",
        "Plays captures (pcap or pcapng, also gzip or zstd; - is standard input) into a pipeline.",
    };
    struct stage_options stage = STAGE_OPTIONS_DEFAULT;
    struct reader_options options = READER_OPTIONS_DEFAULT;
    struct limits limits = LIMITS_DEFAULT;
    const struct opt_set sets[] = {{READER_OPTS, READER_OPTS_COUNT, &options},
                                   {LIMIT_OPTS, LIMIT_OPTS_COUNT, &limits},
                                   {STAGE_OPTS, STAGE_OPTS_COUNT, &stage}};
    int first;
    log_open(HOOKS.name, LOG_WARNING);
    enum opt_outcome outcome =
        opts_parse(&usage, sets, sizeof sets / sizeof sets[0], argc, argv, &first);
    if (outcome != OPT_GO)
        return outcome == OPT_ENDED ? EXIT_DONE : EXIT_WRONG_USE;
    if (!options.out || !options.profile || first == argc) {
        log_error("--out, --profile and at least one capture are needed (see --help)");
        return EXIT_WRONG_USE;
    }
    struct reader *reader = reader_new(&options, &limits, (const char *const *)argv + first,
                                       (size_t)(argc - first));
    if (!reader)
        return EXIT_PIPELINE;
    int status = stage_main(&HOOKS, &stage, reader);
    if (status == EXIT_DONE)
        status = (int)reader_status(reader);
    reader_free(&reader);
    return status;
}
