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
    /* Counted by several threads: the announcing one sends, and ZeroMQ's own have sent. */
    _Atomic uint64_t messages_out; /* everything that links sent, */
    _Atomic uint64_t bytes_out;
    _Atomic uint64_t queue_bytes; /* and what they took and the system has not yet */

    _Atomic uint64_t lag_ns; /* the longest that data waited which was taken since the last beat */

    /* Counted by the stage's own thread alone. */
    _Atomic uint64_t messages_in; /* everything that inboxes took, */
    _Atomic uint64_t bytes_in;
    _Atomic uint64_t messages_bad; /* those of them that could not be read */
    _Atomic uint64_t sessions_in;  /* attempts at captures begun here, */
    _Atomic uint64_t sessions;     /* and those under way now */
    _Atomic uint64_t flows_in;     /* flows opened here, */
    _Atomic uint64_t flows;        /* and those of them that are open now */
    _Atomic uint64_t full_waits;   /* how often a queue ahead was full, */
    _Atomic uint64_t blocked_ns;   /* and how long that was waited for */
    _Atomic uint64_t idle_ns;      /* waiting for messages */
};

/* What is counted is exact; when another thread sees it is not. */

/** Of what several threads count. */
static inline void vital_add_shared(_Atomic uint64_t *vital, uint64_t more)
{
    atomic_fetch_add_explicit(vital, more, memory_order_relaxed);
}

static inline void vital_subtract_shared(_Atomic uint64_t *vital, uint64_t less)
{
    atomic_fetch_sub_explicit(vital, less, memory_order_relaxed);
}

static inline uint64_t vital_get(const _Atomic uint64_t *vital)
{
    return atomic_load_explicit(vital, memory_order_relaxed);
}

static inline void vital_set(_Atomic uint64_t *vital, uint64_t value)
{
    atomic_store_explicit(vital, value, memory_order_relaxed);
}

/** Of what the stage's own thread alone counts: nothing is locked for it. */
static inline void vital_add(_Atomic uint64_t *vital, uint64_t more)
{
    vital_set(vital, vital_get(vital) + more);
}

static inline void vital_subtract(_Atomic uint64_t *vital, uint64_t less)
{
    vital_set(vital, vital_get(vital) - less);
}

/** Keeps the larger of the two. */
static inline void vital_raise(_Atomic uint64_t *vital, uint64_t value)
{
    uint64_t now = atomic_load_explicit(vital, memory_order_relaxed);
    while (now < value && !atomic_compare_exchange_weak_explicit(
                              vital, &now, value, memory_order_relaxed, memory_order_relaxed))
        continue;
}

static inline uint64_t vital_take(_Atomic uint64_t *vital)
{
    return atomic_exchange_explicit(vital, 0, memory_order_relaxed);
}

/** What was counted at a beat, to tell from how fast it goes. */
struct vitals_beat {
    int64_t time_ns; /* monotonic; 0: there was none yet */
    uint64_t bytes_in, bytes_out;
    uint64_t rate_in, rate_out; /* bytes a second between the last two */
};

/** Appends them as a map: the fields' names; "rate_in" and "rate_out", bytes a second since the
 *  beat before, which is moved to `now_ns`; and this process's "host" (text), "pid" and "memory"
 *  (bytes resident). Beats in quick succession count as one. Begins a new lag_ns. */
void vitals_pack(struct vitals *vitals, struct vitals_beat *beat, int64_t now_ns,
                 struct buffer *to);

#endif
