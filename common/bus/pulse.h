/*
 * A process's sign of life: a thread of its own announces it to the lobby every second, however
 * long the work in hand takes, and watches the lifeline. It shares nothing with the rest of the
 * process: the announcement does not change while it runs.
 */
#ifndef TAPLINE_COMMON_PULSE_H
#define TAPLINE_COMMON_PULSE_H

#include <tapline/wire.h>

#include "common/bus/bus.h"

struct pulse;

struct pulse_options {
    const char *lobby; /* endpoint; NULL: nobody to announce to */
    const char *name;
    enum tapline_role role;
    const char *data;    /* endpoints of this process's inboxes */
    const char *control;
    int lifeline; /* descriptor whose end sends this process SIGTERM; 0: none */
};

/** Starts it; all options are borrowed for its life. NULL, with *error set. */
struct pulse *pulse_new(const struct bus *bus, const struct pulse_options *options, int *error);

/** Stops the thread and closes its link. */
void pulse_free(struct pulse **pulse);

#endif
