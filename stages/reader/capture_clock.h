/*
 * The clock of a capture: what time it is among its frames, for letting idle flows go.
 *
 * Time stamps jump: frames of several queues overtake each other, and a clock that was set wrong
 * leaves single absurd times. So the clock takes the least time of each block of 256 consecutive
 * frames (the whole capture's, in its order), and stands at the greatest of these so far: it never
 * runs back, it is late by a block and never early, and a block with one sound time in it cannot
 * carry it away. It depends on the frames alone.
 */
#ifndef TAPLINE_READER_CAPTURE_CLOCK_H
#define TAPLINE_READER_CAPTURE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CAPTURE_CLOCK_BLOCK = 256 };

/** Zeroed: before the first frame. */
struct capture_clock {
    unsigned frames; /* of the block in hand, */
    int64_t least;   /* and the least of their times */
    bool running;    /* a block was completed, and so */
    int64_t time_ns; /* this is the clock's time, */
    int64_t tick_ns; /* and this what it was when it ticked last */
};

/** Takes the next frame's time. True where the clock ticks: it runs now, or it advanced by at
 *  least a second since it ticked last; `time_ns` is what it shows. */
bool capture_clock_frame(struct capture_clock *clock, int64_t time_ns);

#endif
