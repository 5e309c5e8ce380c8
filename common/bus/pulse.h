/*
 * A process's sign of life: a thread of its own announces it to the lobby every second, however
 * long the work in hand takes, with its figures, and watches the lifeline.
 */
#ifndef TAPLINE_COMMON_PULSE_H
#define TAPLINE_COMMON_PULSE_H

#include <tapline/wire.h>

#include "common/bus/bus.h"
#include "common/wire/presence.h"

struct pulse;

struct pulse_options {
    const char *lobby;        /* endpoint; NULL: nobody to announce to */
    const char *lobby_key;    /* its public key; "": none is known */
    struct presence presence; /* what is announced; its state may change, see pulse_leave */
    int lifeline;             /* descriptor behind whose end every beat sends SIGHUP; 0: none */
};

/** Starts it; the lobby's endpoint and key are borrowed for its life. NULL, with *error set: also
 *  where the lobby's endpoint is none. */
struct pulse *pulse_new(const struct bus *bus, const struct pulse_options *options, int *error);

/** Says from now on, and at once, that others reach this process: until then it takes no work. */
void pulse_reached(struct pulse *pulse);

/** Says from now on, and at once, that this process takes no new work. */
void pulse_leave(struct pulse *pulse);

/** Announces that this process is gone, stops the thread and closes its link. */
void pulse_free(struct pulse **pulse);

#endif
