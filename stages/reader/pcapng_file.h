/*
 * Frames of a pcapng file (draft-ietf-opsawg-pcapng), block by block: any number of sections in
 * either byte order, each with interfaces that differ in link type, snap length and clock. libpcap
 * reads pcapng too, but refuses a file whose interfaces differ.
 *
 * Packets come from enhanced, simple and (obsolete) packet blocks; interface descriptions are
 * obeyed, and all other blocks passed over. A simple packet block has no time: its frame gets that
 * of the frame before it (of the first ones: 1970), so that the file's order holds.
 */
#ifndef TAPLINE_READER_PCAPNG_FILE_H
#define TAPLINE_READER_PCAPNG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/frame.h"
#include "stages/reader/source_fault.h"
#include "stages/reader/window.h"

enum {
    PCAPNG_MOST_BLOCK = 16 * 1024 * 1024, /* bytes of a block; more is taken for garbage */
    PCAPNG_MOST_INTERFACES = 65536,       /* of one section */
};

struct pcapng_file;

/** Whether content that begins like this is a pcapng file. */
bool pcapng_file_begins(const uint8_t *head, size_t length);

/** Reads the first section's header. `memory` is for what is read (window.h); NULL: its own. All
 *  are borrowed for the object's life; `fault` is written whenever something is wrong. NULL, with
 *  *error set: ERR_UNREADABLE, ERR_STOPPED, -ENOMEM. */
struct pcapng_file *pcapng_file_new(struct inflate *input, const struct window_memory *memory,
                                    struct source_fault *fault, int *error);

/** Takes NULL, and sets the caller's pointer to it. */
void pcapng_file_free(struct pcapng_file **file);

/** The next frame, numbered from 1; its bytes stay until the next call. 0, ERR_EOF, ERR_TRUNCATED
 *  where the file breaks off within a block or a block contradicts itself (with the fault said),
 *  ERR_STOPPED or -ENOMEM, all of which stay so; ERR_AGAIN as inflate_read() has it. */
int pcapng_file_next(struct pcapng_file *file, struct frame *frame);

#endif
