#include "common/bus/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>

static volatile sig_atomic_t stop_asked, leave_asked;
static int event = -1;

static void on_signal(int number)
{
    int before = errno;
    if (number == SIGTERM && !leave_asked)
        leave_asked = 1;
    else
        stop_asked = 1;
    eventfd_write(event, 1);
    errno = before;
}

int signals_open(void)
{
    /* No SA_RESTART: what waits, also for bytes of a capture, is to notice. */
    const struct sigaction told = {.sa_handler = on_signal};
    event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0)
        return -errno;
    sigaction(SIGINT, &told, NULL);
    sigaction(SIGTERM, &told, NULL);
    sigaction(SIGHUP, &told, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), like a full disk */
    return 0;
}

int signals_descriptor(void)
{
    return event;
}

void signals_clear(void)
{
    eventfd_t count;
    eventfd_read(event, &count);
}

bool signals_leave(void)
{
    return leave_asked;
}

bool signals_stop(void)
{
    return stop_asked;
}
