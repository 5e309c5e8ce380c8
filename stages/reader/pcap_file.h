/*
 * Frames of a pcap file, by libpcap: both byte orders, times in microseconds and nanoseconds, and
 * the modified format with longer packet headers (draft-ietf-opsawg-pcap, pcap-savefile(5)).
 */
#ifndef TAPLINE_READER_PCAP_FILE_H
#define TAPLINE_READER_PCAP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/frame.h"
#include "stages/reader/inflate.h"
#include "stages/reader/source_fault.h"

struct pcap_file;

/** Whether content that begins like this is a pcap file. */
bool pcap_file_begins(const uint8_t *head, size_t length);

/** Reads the file's header. Both are borrowed for the object's life; `fault` is written whenever
 *  something is wrong. NULL, with *error set: ERR_UNREADABLE (what libpcap has against the
 *  header), ERR_STOPPED, -ENOMEM. */
struct pcap_file *pcap_file_new(struct inflate *input, struct source_fault *fault, int *error);

/** Takes NULL, and sets the caller's pointer to it. */
void pcap_file_free(struct pcap_file **file);

/** The next frame, numbered from 1; its bytes stay until the next call. 0, ERR_EOF,
 *  ERR_TRUNCATED (with the fault said; stays so) or ERR_STOPPED. */
int pcap_file_next(struct pcap_file *file, struct frame *frame);

#endif
