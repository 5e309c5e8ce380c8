/*
 * How far the reading of a capture is, as one line on a terminal that is drawn over itself:
 *
 *      42% [=========>            ] 1.2 M packets, 840 k/s, 0:03 left
 *
 * and where nobody knows how large the capture is (a pipe):
 *
 *     1.2 M packets, 310 MB, 840 k/s, 0:02 so far
 */
#ifndef TAPLINE_READER_PROGRESS_H
#define TAPLINE_READER_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_figures {
    uint64_t packets;
    uint64_t done; /* bytes that were read */
    uint64_t size; /* of all; 0: unknown */
    uint64_t elapsed_ns;
};

/** Writes the line, without anything that moves the cursor, into `line` (NUL-terminated): at most
 *  `width` columns and size - 1 bytes. What does not fit is left out, the least needed first.
 *  Returns its length. */
size_t progress_line(char *line, size_t size, unsigned width,
                     const struct progress_figures *figures);

struct progress;

/** A line on the descriptor (borrowed), where that is a terminal that can draw over a line; where
 *  it is none, or `quiet`, or memory is short, NULL, which the functions below take for a line
 *  that is not to be seen. `now_ns`: monotonic, as in all that follows: when the reading begins. */
struct progress *progress_new(int fd, bool quiet, uint64_t now_ns);

/** Draws the line anew, at most 10 times a second. */
void progress_show(struct progress *progress, uint64_t packets, uint64_t done, uint64_t size,
                   uint64_t now_ns);

/** Takes the line away, so that something else can be written; it is drawn again when next due. */
void progress_clear(struct progress *progress);

/** Takes the line away for good; takes NULL, and sets the caller's pointer to it. */
void progress_free(struct progress **progress);

#endif
