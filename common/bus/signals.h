/*
 * What a process is told by signals. SIGTERM asks it to leave: to finish what it has and take
 * nothing new. A second one, SIGINT and SIGHUP (the lifeline's end, see pulse.h) stop it at once.
 */
#ifndef TAPLINE_COMMON_SIGNALS_H
#define TAPLINE_COMMON_SIGNALS_H

#include <stdbool.h>

/** Takes the signals of this process over, once. 0 or a negated errno. */
int signals_open(void);

/** A descriptor that can be read once a signal has come: also of one that came just before the
 *  wait. */
int signals_descriptor(void);

/** Makes it wait for the next one. To be called before asking what was told, so that none is
 *  overlooked. */
void signals_clear(void);

/** What this process was told so far. */
bool signals_leave(void);
bool signals_stop(void);

#endif
