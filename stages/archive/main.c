#include <errno.h>
#include <signal.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/opts.h"
#include "common/consumer/listening.h"
#include "stages/archive/archive.h"
#include "stages/archive/tables.h"

/* So long nothing comes before what came is made to last. */
enum { QUIET_MS = 200 };

static volatile sig_atomic_t stop_asked;

static void on_stop_signal(int signal_number)
{
    (void)signal_number;
    stop_asked = 1;
}

static int subscribe(struct tapline_consumer *consumer)
{
    int error = tapline_subscribe(consumer, TAPLINE_TOPIC_CAPTURE);
    for (size_t i = 0; i < TABLES && !error; i++)
        error = tapline_subscribe(consumer, ARCHIVE_TABLES[i].topic);
    return error;
}

/* One record, or a quiet moment. What has come is taken before a signal is obeyed. */
static int take_next(struct tapline_consumer *consumer, struct archive *archive, bool *more)
{
    const struct tapline_record *record;
    int error = tapline_next(consumer, stop_asked ? 0 : QUIET_MS, &record);
    *more = !stop_asked || error != -EAGAIN;
    if (error == -EAGAIN)
        return archive_commit(archive);
    if (!error)
        error = archive_take(archive, record);
    if (error == -EPROTO || error == ERR_MALFORMED)
        log_warning("passed over a message of another kind or version");
    return error == -EPROTO || error == ERR_MALFORMED || error == -EINTR ? 0 : error;
}

static int keep(const struct listening_options *options, const char *path)
{
    int error;
    struct archive *archive = archive_open(path, &error);
    if (!archive)
        return error;
    struct tapline_consumer *consumer = listening_open(options, &error);
    if (consumer)
        error = subscribe(consumer);
    for (bool more = true; more && !error;)
        error = take_next(consumer, archive, &more);
    if (!error)
        error = archive_commit(archive);
    tapline_close(&consumer);
    archive_close(&archive);
    return error;
}

int main(int argc, char **argv)
{
    static const struct opt_usage usage = {
        "tapline-archive --connect ENDPOINT [options] FILE",
        "Keeps the records of a tap in an SQLite file, those of many captures in one, until told "
        "to stop.",
    };
    const struct sigaction stop = {.sa_handler = on_stop_signal};
    struct listening_options options = {0};
    const struct opt_set set = {LISTENING_OPTS, LISTENING_OPTS_COUNT, &options};
    int first;
    log_open("tapline-archive", LOG_WARNING);
    enum opt_outcome outcome = opts_parse(&usage, &set, 1, argc, argv, &first);
    if (outcome == OPT_GO && argc - first != 1) {
        log_error("it takes one file, into which the records go");
        outcome = OPT_WRONG;
    }
    if (outcome != OPT_GO)
        return outcome == OPT_ENDED ? EXIT_DONE : EXIT_WRONG_USE;
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    return error_exit(keep(&options, argv[first]));
}
