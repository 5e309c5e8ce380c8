/*
 * What a process has done since it started, and what it holds: counted where it happens, read by
 * the thread that announces it (pulse.h). Nothing depends on these numbers; people watch them.
 */
#ifndef TAPLINE_COMMON_VITALS_H
#define TAPLINE_COMMON_VITALS_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/base/buffer.h"

/** Zeroed: nothing yet. Times are in nanoseconds. */
struct vitals {
    _Atomic uint64_t messages_in; /* everything that inboxes took, */
    _Atomic uint64_t bytes_in;
    _Atomic uint64_t messages_out; /* and that links sent */
    _Atomic uint64_t bytes_out;
    _Atomic uint64_t sessions; /* attempts at captures under way here */
    _Atomic uint64_t flows_in; /* flows opened here, */
    _Atomic uint64_t flows;    /* and those of them that are open now */
    _Atomic uint64_t full_waits; /* how often a queue ahead was full, */
    _Atomic uint64_t blocked_ns; /* and how long that was waited for */
    _Atomic uint64_t idle_ns;    /* waiting for messages */
};

static inline void vital_add(_Atomic uint64_t *vital, uint64_t more)
{
    atomic_fetch_add_explicit(vital, more, memory_order_relaxed);
}

static inline void vital_subtract(_Atomic uint64_t *vital, uint64_t less)
{
    atomic_fetch_sub_explicit(vital, less, memory_order_relaxed);
}

static inline void vital_set(_Atomic uint64_t *vital, uint64_t value)
{
    atomic_store_explicit(vital, value, memory_order_relaxed);
}

static inline uint64_t vital_get(const _Atomic uint64_t *vital)
{
    return atomic_load_explicit(vital, memory_order_relaxed);
}

/** Appends them as a map: the fields' names, and this process's "host" (text), "pid" and
 *  "memory" (bytes resident). */
void vitals_pack(const struct vitals *vitals, struct buffer *to);

#endif
