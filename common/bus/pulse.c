#include "common/bus/pulse.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <tapline/wire.h>
#include <unistd.h>

#include "common/bus/link.h"
#include "common/wire/pack.h"

enum { BEAT_MS = 1000, WAITING = 4 };

struct pulse {
    const struct bus *bus;
    struct pulse_options options;
    pthread_t thread;
    pthread_t owner; /* gets the SIGTERM, so that what it waits in is interrupted */
    int stop[2];     /* a pipe: its end stops the thread */
};

static void beat(const struct pulse *pulse, struct link *link)
{
    struct message_head head = {.kind = TAPLINE_ANNOUNCE};
    struct buffer message = {0};
    if (link_flush(link, 0) != 0)
        return;
    message_open(&message);
    pack_array(&message, 4);
    pack_uint(&message, pulse->options.role);
    pack_str(&message, pulse->options.name);
    pack_str(&message, pulse->options.data);
    pack_str(&message, pulse->options.control);
    link_send(link, &head, &message, 0);
    buffer_free(&message);
}

static void *run(void *context)
{
    struct pulse *pulse = context;
    struct pollfd watched[] = {{.fd = pulse->stop[0], .events = POLLIN},
                               {.fd = pulse->options.lifeline, .events = POLLIN}};
    nfds_t count = pulse->options.lifeline ? 2 : 1;
    struct link *link = NULL;
    int error;
    if (pulse->options.lobby)
        link = link_new(pulse->bus, pulse->options.lobby, WAITING, &error);
    for (;;) {
        if (link)
            beat(pulse, link);
        if (poll(watched, count, BEAT_MS) < 0 && errno != EINTR)
            break;
        if (watched[0].revents)
            break;
        if (count > 1 && watched[1].revents) {
            pthread_kill(pulse->owner, SIGTERM);
            count = 1; /* once is enough; what is sent until the end still says: alive */
        }
    }
    link_free(&link, 0);
    return NULL;
}

struct pulse *pulse_new(const struct bus *bus, const struct pulse_options *options, int *error)
{
    struct pulse *pulse = calloc(1, sizeof *pulse);
    *error = -ENOMEM;
    if (!pulse)
        return NULL;
    pulse->bus = bus;
    pulse->options = *options;
    pulse->owner = pthread_self();
    if (pipe(pulse->stop) != 0) {
        *error = -errno;
        free(pulse);
        return NULL;
    }
    /* Signals are the owner's: the thread is born with all of them blocked. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *error = -pthread_create(&pulse->thread, NULL, run, pulse);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (*error) {
        close(pulse->stop[0]);
        close(pulse->stop[1]);
        free(pulse);
        return NULL;
    }
    return pulse;
}

void pulse_free(struct pulse **pulse)
{
    if (!*pulse)
        return;
    close((*pulse)->stop[1]);
    pthread_join((*pulse)->thread, NULL);
    close((*pulse)->stop[0]);
    free(*pulse);
    *pulse = NULL;
}
