/*
 * One capture file, or standard input, as a run of frames: pcap or pcapng, plain or compressed
 * with gzip or zstd, told apart by content. What a capture holds before the place where it breaks
 * off is given all the same.
 */
#ifndef TAPLINE_READER_SOURCE_H
#define TAPLINE_READER_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "common/wire/frame.h"
#include "stages/reader/spool.h"
#include "stages/reader/window.h"

struct source;

/** Opens a file, or standard input ("-", which itself stays open), and reads its header. What is no
 *  regular file is read through `spools` (which must outlive it), and so can be opened again; NULL:
 *  once is enough. `memory` is for what is read (window.h); NULL: its own. NULL, with
 *  `fault` (a text that names the file) and *error set: ERR_UNREADABLE where it is not there, may
 *  not be read or is no capture; ERR_LIMIT where too many files are open; ERR_STOPPED; -ENOMEM. */
struct source *source_open(const char *path, struct spools *spools,
                           const struct window_memory *memory, char *fault, size_t fault_size,
                           int *error);

/** Closes it; takes NULL, and sets the caller's pointer to it. */
void source_free(struct source **source);

/** The next frame, numbered from 1; its bytes stay until the next call, and wire_length is never
 *  less than length. 0; ERR_EOF; ERR_TRUNCATED where the capture breaks off within a packet, a
 *  block or compressed data, or is garbage from here on (see source_fault()); ERR_STOPPED where a
 *  signal interrupted the wait (see inflate_read()); -ENOMEM: all of them stay so. ERR_AGAIN: it
 *  has not come yet, and is not waited for any more. */
int source_next(struct source *source, struct frame *frame);

/** From here on frames that have not come yet, of a pipe or the like, are not waited for. */
void source_stop_waiting(struct source *source);

/** What to wait on after ERR_AGAIN. */
int source_descriptor(const struct source *source);

/** After ERR_TRUNCATED: what broke off and where, without the file's name; else "". */
const char *source_fault(const struct source *source);

/** What messages call a source: its path, or "standard input". */
const char *source_name(const char *path);

/** How much of the file, as it lies there, was read, and how large it is (0: unknown, a pipe). */
void source_position(const struct source *source, uint64_t *done, uint64_t *size);

#endif
