#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/opts.h"
#include "common/consumer/listening.h"
#include "common/consumer/print.h"

/* How long a wait for records goes without a look at whether a signal came. */
enum { LOOK_UP_MS = 500 };

struct tap_options {
    struct listening_options listening;
    const char *capture; /* NULL: all */
    uint64_t count;      /* 0: without end */
};

static const struct opt OPTS[] = {
    {"count", OPT_COUNT, offsetof(struct tap_options, count), "N", "end after N records; 0: never",
     0, 0},
    {"capture", OPT_TEXT, offsetof(struct tap_options, capture), "ID", "of this capture only", 0,
     0},
};

static volatile sig_atomic_t stop_asked;

static void on_stop_signal(int signal_number)
{
    (void)signal_number;
    stop_asked++;
}

static bool is_asked_for(const struct tapline_record *record, const char *capture)
{
    const char *text;
    size_t length;
    return !capture || (tapline_text(tapline_get(record, "capture"), &text, &length) &&
                        length == strlen(capture) && memcmp(text, capture, length) == 0);
}

static int print_line(const struct tapline_record *record, struct stamp *stamp, struct buffer *line)
{
    buffer_clear(line);
    int error = print_record(record, stamp, line);
    if (error)
        return error;
    return fwrite(line->bytes, 1, line->length, stdout) == line->length ? 0 : -EPIPE;
}

/* Whoever reads the lines gets them at once, and all that came together at once. What has come is
 * printed before a signal is obeyed; a second one is obeyed at once. */
static int listen_on(struct tapline_consumer *consumer, const struct tap_options *options,
                     struct stamp *stamp)
{
    const struct tapline_record *record;
    struct buffer line = {0};
    uint64_t printed = 0;
    int error = 0;
    while (!error && stop_asked < 2 && (!options->count || printed < options->count)) {
        error = tapline_next(consumer, 0, &record);
        if (error == -EAGAIN && stop_asked)
            break;
        if (error == -EAGAIN)
            error = fflush(stdout) == 0 ? tapline_next(consumer, LOOK_UP_MS, &record) : -EPIPE;
        if (!error && is_asked_for(record, options->capture)) {
            error = print_line(record, stamp, &line);
            printed++;
        }
        if (error == -EPROTO)
            log_warning("passed over a message of another kind or version");
        if (error == -EPROTO || error == -EAGAIN || error == -EINTR)
            error = 0;
    }
    if (error == -EAGAIN)
        error = 0;
    if (fflush(stdout) != 0 && !error)
        error = -EPIPE;
    buffer_free(&line);
    return error;
}

static int open_and_listen(const struct tap_options *options, char *const *topics, int count)
{
    const char *zone = getenv("TZ");
    struct stamp *stamp = stamp_new(zone ? zone : "", zone ? strlen(zone) : 0);
    int error = stamp ? 0 : -ENOMEM;
    struct tapline_consumer *consumer = error ? NULL : listening_open(&options->listening, &error);
    bool said = !consumer;
    for (int i = 0; i < count && !error; i++)
        error = tapline_subscribe(consumer, topics[i]);
    if (!count && !error)
        error = tapline_subscribe(consumer, "");
    if (!error)
        error = listen_on(consumer, options, stamp);
    uint64_t missed = consumer ? tapline_missed(consumer, "") : 0;
    if (missed)
        log_warning("%" PRIu64 " records were missed: this end was too slow", missed);
    if (error && error != -EPIPE && !said)
        log_error("%s", error_text(error));
    tapline_close(&consumer);
    stamp_free(&stamp);
    return error == -EPIPE ? EXIT_DONE : error_exit(error);
}

int main(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-tap --connect ENDPOINT [options] [TOPIC...]",
        "Prints the records of a tap as they happen, a line of JSON each.",
    };
    const struct sigaction stop = {.sa_handler = on_stop_signal};
    struct tap_options options = {0};
    const struct opt_set sets[] = {{LISTENING_OPTS, LISTENING_OPTS_COUNT, &options.listening},
                                   {OPTS, sizeof OPTS / sizeof OPTS[0], &options}};
    int first;
    log_open("tapline-tap", LOG_WARNING);
    enum opt_outcome outcome = opts_parse(&usage, sets, 2, argc, argv, &first);
    if (outcome != OPT_GO)
        return outcome == OPT_ENDED ? EXIT_DONE : EXIT_WRONG_USE;
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    return open_and_listen(&options, argv + first, argc - first);
}
