#include "common/base/log.h"
#include "stages/reader/reader.h"

static int on_message(void *core, const struct message_head *head, struct unpack *body)
{
    return run_message(core, head, body);
}

static void on_end(void **core)
{
    run_released(*core);
    *core = NULL;
}

static const struct stage_hooks HOOKS = {
    .role = TAPLINE_READER,
    .name = "tapline-reader",
    .ready = reader_ready,
    .pull = reader_pull,
    .message = on_message,
    .end = on_end,
    .closing = reader_closing,
};

/* The operands and options make sense together. */
static bool sensible(const struct reader_options *options, int operands)
{
    if (options->jobs && (options->out || options->summary || operands))
        log_error("--jobs has the captures and where their results go: no --out, --summary and no "
                  "captures besides");
    else if (!options->profile || (!options->jobs && (!options->out || !operands)))
        log_error("--out, --profile and at least one capture are needed, or --profile and --jobs "
                  "(see --help)");
    else
        return true;
    return false;
}

/* A wrong filter is told before anything is joined. */
static int compile_filter(struct reader_options *options)
{
    char fault[512];
    int error = 0;
    if (options->filter)
        options->runs.filter = filter_new(options->filter, fault, sizeof fault, &error);
    if (error)
        log_error("--filter '%s': %s", options->filter, fault);
    return error;
}

int main(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-reader --join ENDPOINT --out DIR --profile FILE [options] CAPTURE...\n"
        "       tapline-reader --join ENDPOINT --jobs FILE --profile FILE [options]",
        "Plays captures (pcap or pcapng, also gzip or zstd; - is standard input) into a pipeline.",
    };
    struct stage_options stage = STAGE_OPTIONS_DEFAULT;
    struct reader_options options = READER_OPTIONS_DEFAULT;
    options.runs.limits = LIMITS_DEFAULT;
    const struct opt_set sets[] = {{READER_OPTS, READER_OPTS_COUNT, &options},
                                   {LIMIT_OPTS, LIMIT_OPTS_COUNT, &options.runs.limits},
                                   {STAGE_OPTS, STAGE_OPTS_COUNT, &stage},
                                   {WORKER_OPTS, WORKER_OPTS_COUNT, &stage}};
    int first;
    log_open(HOOKS.name, LOG_WARNING);
    enum opt_outcome outcome =
        opts_parse(&usage, sets, sizeof sets / sizeof sets[0], argc, argv, &first);
    if (outcome != OPT_GO)
        return outcome == OPT_ENDED ? EXIT_DONE : EXIT_WRONG_USE;
    if (!sensible(&options, argc - first))
        return EXIT_WRONG_USE;
    int error = compile_filter(&options);
    if (error)
        return error_exit(error);
    struct reader *reader =
        reader_new(&options, (const char *const *)argv + first, (size_t)(argc - first));
    if (!reader)
        return EXIT_PIPELINE;
    int status = stage_main(&HOOKS, &stage, reader);
    if (status == EXIT_DONE)
        status = (int)reader_status(reader);
    reader_free(&reader);
    filter_free(&options.runs.filter);
    return status;
}
