/*
 * Writes a pcap file (microseconds, Ethernet), frame by frame.
 */
#ifndef TAPLINE_BENCH_CAPTURE_WRITER_H
#define TAPLINE_BENCH_CAPTURE_WRITER_H

#include <stdint.h>
#include <stdio.h>

/** Where every workload begins: 2026-01-05T00:00:00Z. */
#define CAPTURE_EPOCH_US INT64_C(1767571200000000)

struct capture_writer {
    FILE *file;
    uint64_t frames;
    uint64_t bytes;
};

/** Opens the file and writes its header; exits where it cannot be written. */
struct capture_writer capture_writer_open(const char *path);

/** One frame: `time_us` counts from CAPTURE_EPOCH_US. */
void capture_writer_frame(struct capture_writer *w, int64_t time_us, const uint8_t *bytes,
                          uint32_t length, uint32_t wire_length);

/** Closes it; exits where something was not written. */
void capture_writer_close(struct capture_writer *w);

#endif
