/*
 * Threads beside the one that runs the stage's loop.
 */
#ifndef TAPLINE_SINK_THREAD_H
#define TAPLINE_SINK_THREAD_H

#include <pthread.h>

/** Starts one that runs this; signals are left to the loop. To be joined by the caller. 0 or a
 *  negated errno. */
int thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

#endif
