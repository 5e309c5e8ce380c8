/*
 * Times as the records print them: `YYYY-MM-DD HH:MM:SS.ffffff` in one time zone.
 *
 * The C library knows one zone a process, TZ; where several captures with different zones are
 * under way, each has a stamp of its own, and TZ changes hands only when a stamp has to ask the
 * library something. The offset from UTC is kept for each quarter of an hour that was asked
 * about, which zones do not split, so that nearly every stamp is arithmetic alone. A stamp is for
 * one thread; each thread may have its own.
 */
#ifndef TAPLINE_COMMON_STAMP_H
#define TAPLINE_COMMON_STAMP_H

#include <stddef.h>
#include <stdint.h>

enum { STAMP_LENGTH = 26 };

struct stamp;

/** Stamps in the zone that a TZ value names; empty: this host's own zone. As with TZ itself, a
 *  zone that is not known is UTC. NULL: no memory, or the name holds a NUL or is too long. */
struct stamp *stamp_new(const void *zone, size_t length);

/** NULLs the caller's pointer, and accepts NULL in it. */
void stamp_free(struct stamp **stamp);

/** Writes the time, nanoseconds since 1970-01-01T00:00:00Z, cut to microseconds; no NUL. */
void stamp_write(struct stamp *stamp, int64_t time_ns, char out[STAMP_LENGTH]);

/** The microsecond that a time lies in: what is printed, and what records are sorted by. */
int64_t stamp_micros(int64_t time_ns);

#endif
