#include "common/bus/pulse.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/bus/link.h"

enum { BEAT_MS = 1000, WAITING = 4 };

/* After so long without room for an announcement the link to the lobby is made anew. */
#define NO_ROOM_NS (INT64_C(5) * 1000000000)

struct pulse {
    const struct bus *bus;
    struct pulse_options options;
    struct vitals_beat beat; /* the thread's own */
    _Atomic int state; /* enum tapline_presence */
    struct link *link; /* to the lobby, the thread's own; NULL: there is none just now */
    int64_t made_ns;   /* when the link was made */
    int64_t taken_ns;  /* when it took an announcement last */
    bool told;         /* it was said that the lobby takes none */
    pthread_t thread;
    pthread_t owner; /* gets the SIGHUP, so that what it waits in is interrupted */
    int wake[2];     /* a pipe: a byte asks for an announcement at once, its end stops the thread */
};

static int make_link(struct pulse *pulse)
{
    int error;
    pulse->link = link_new(pulse->bus, pulse->options.lobby, pulse->options.lobby_key, WAITING,
                           &error);
    pulse->made_ns = pulse->taken_ns = clock_monotonic();
    return error;
}

/* ZeroMQ gives a connection up for good whose key is refused, and the key may be allowed later. */
static void try_another_link(struct pulse *pulse)
{
    if (clock_monotonic() - pulse->taken_ns < NO_ROOM_NS)
        return;
    if (!pulse->told)
        log_warning("%s: no lobby takes this process in: none is there, or this key is not allowed "
                    "there (`tapline keys allow`); it is tried again and again",
                    pulse->options.lobby);
    pulse->told = true;
    link_free(&pulse->link, 0);
    make_link(pulse);
}

/* Is there a link that has room? */
static bool has_room(struct pulse *pulse)
{
    if (pulse->link && link_flush(pulse->link, 0) == 0)
        return true;
    try_another_link(pulse);
    return pulse->link && link_flush(pulse->link, 0) == 0;
}

static void announce(struct pulse *pulse, enum tapline_presence state)
{
    struct message_head head = {.kind = TAPLINE_ANNOUNCE};
    struct presence presence = pulse->options.presence;
    struct buffer message = {0}, figures = {0};
    if (!has_room(pulse))
        return;
    presence.state = state;
    vitals_pack(bus_vitals(pulse->bus), &pulse->beat, clock_monotonic(), &figures);
    message_open(&message);
    presence_pack_announcement(&message, &presence, &figures);
    message.failed |= figures.failed;
    buffer_free(&figures);
    if (link_send(pulse->link, &head, &message, 0) == 0) {
        pulse->taken_ns = clock_monotonic();
        pulse->told &= pulse->taken_ns - pulse->made_ns < NO_ROOM_NS;
    }
    buffer_free(&message);
}

/* Waits for the next beat; false: the thread is to end. */
static bool rest(struct pulse *pulse, struct pollfd *watched, nfds_t *count)
{
    char bytes[16];
    if (poll(watched, *count, BEAT_MS) < 0)
        return errno == EINTR;
    if (*count > 1 && watched[1].revents)
        *count = 1; /* its end was seen; what is sent until this one's own still says: alive */
    /* With every beat: a signal just before a read that waits for bytes does not end that. */
    if (pulse->options.lifeline && *count == 1)
        pthread_kill(pulse->owner, SIGHUP);
    return !watched[0].revents || read(pulse->wake[0], bytes, sizeof bytes) > 0;
}

static void *run(void *context)
{
    struct pulse *pulse = context;
    struct pollfd watched[] = {{.fd = pulse->wake[0], .events = POLLIN},
                               {.fd = pulse->options.lifeline, .events = POLLIN}};
    nfds_t count = pulse->options.lifeline ? 2 : 1;
    do {
        if (pulse->options.lobby)
            announce(pulse, (enum tapline_presence)atomic_load(&pulse->state));
    } while (rest(pulse, watched, &count));
    /* A lifeline that ended took the lobby along: it would be waited for in vain. */
    bool alone = pulse->options.lifeline && count == 1;
    if (pulse->link && !alone)
        announce(pulse, TAPLINE_GONE);
    link_free(&pulse->link, alone ? 0 : LINK_LINGER_MS);
    return NULL;
}

static int start(struct pulse *pulse)
{
    const struct pulse_options *o = &pulse->options;
    sigset_t all, before; /* signals are the owner's: the thread is born with all of them blocked */
    int error = 0;
    if (o->lobby)
        error = make_link(pulse);
    if (error)
        return error;
    if (pipe(pulse->wake) != 0)
        return -errno;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = -pthread_create(&pulse->thread, NULL, run, pulse);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        close(pulse->wake[0]);
        close(pulse->wake[1]);
    }
    return error;
}

struct pulse *pulse_new(const struct bus *bus, const struct pulse_options *options, int *error)
{
    struct pulse *pulse = calloc(1, sizeof *pulse);
    *error = -ENOMEM;
    if (!pulse)
        return NULL;
    pulse->bus = bus;
    pulse->options = *options;
    atomic_init(&pulse->state, TAPLINE_COMING);
    pulse->owner = pthread_self();
    *error = start(pulse);
    if (*error) {
        link_free(&pulse->link, 0);
        free(pulse);
        return NULL;
    }
    return pulse;
}

static void announce_now(struct pulse *pulse)
{
    if (write(pulse->wake[1], "", 1) < 0)
        return; /* the next beat says it */
}

void pulse_reached(struct pulse *pulse)
{
    int coming = TAPLINE_COMING;
    if (atomic_compare_exchange_strong(&pulse->state, &coming, TAPLINE_HERE))
        announce_now(pulse);
}

void pulse_leave(struct pulse *pulse)
{
    atomic_store(&pulse->state, TAPLINE_LEAVING);
    announce_now(pulse);
}

void pulse_free(struct pulse **pulse)
{
    if (!*pulse)
        return;
    close((*pulse)->wake[1]);
    pthread_join((*pulse)->thread, NULL);
    close((*pulse)->wake[0]);
    free(*pulse);
    *pulse = NULL;
}
