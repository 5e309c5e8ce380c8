/*
 * Frames of a pcap file (draft-ietf-opsawg-pcap, pcap-savefile(5)): both byte orders, times in
 * microseconds and nanoseconds, and the modified format with longer packet headers. Packets are
 * given out where they were read to: libpcap would copy each of them, by two calls of stdio.
 */
#ifndef TAPLINE_READER_PCAP_FILE_H
#define TAPLINE_READER_PCAP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/frame.h"
#include "stages/reader/source_fault.h"
#include "stages/reader/window.h"

enum {
    PCAP_MOST_CAPTURED = 256 * 1024, /* bytes of a packet; more is taken for garbage */
};

struct pcap_file;

/** Whether content that begins like this is a pcap file. */
bool pcap_file_begins(const uint8_t *head, size_t length);

/** Reads the file's header. `memory` is for what is read (window.h); NULL: its own. All are borrowed
 *  for the object's life; `fault` is written whenever something is wrong. NULL, with *error set:
 *  ERR_UNREADABLE (the header is cut short, or of an unknown version), ERR_STOPPED, -ENOMEM. */
struct pcap_file *pcap_file_new(struct inflate *input, const struct window_memory *memory,
                                struct source_fault *fault, int *error);

/** Takes NULL, and sets the caller's pointer to it. */
void pcap_file_free(struct pcap_file **file);

/** The next frame, numbered from 1; its bytes stay until the next call. All that the file holds of
 *  it is given, whatever snap length the header names, which is often wrong. 0, ERR_EOF,
 *  ERR_TRUNCATED (with the fault said), ERR_STOPPED or -ENOMEM, all of which stay so; ERR_AGAIN as
 *  inflate_read() has it. */
int pcap_file_next(struct pcap_file *file, struct frame *frame);

#endif
