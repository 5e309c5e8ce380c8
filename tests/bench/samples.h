/*
 * The frames that workloads are made of: all Ethernet frames of the given captures, in memory.
 */
#ifndef TAPLINE_BENCH_SAMPLES_H
#define TAPLINE_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct sample {
    int64_t time_ns; /* since its capture's first frame */
    uint32_t length;
    uint32_t wire_length;
    uint32_t capture; /* index of its capture, */
    size_t place;     /* and its own among all that were read */
    uint8_t *bytes;
};

struct samples {
    struct sample *list; /* by time; of one time in the order of the captures */
    size_t count;
};

/** Reads the captures; captures of other link types are passed over. Exits where one cannot be
 * read. */
struct samples samples_read(char **paths, size_t count);

/** Memory that may not be missing: exits where there is none. */
void *samples_room(void *old, size_t size);

#endif
