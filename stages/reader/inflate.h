/*
 * The bytes of a capture file: decompressed as they are read where the content (never the name)
 * says gzip (RFC 1952, any number of members) or zstd (RFC 8878, any number of frames), and as
 * they are otherwise. Works on what cannot be rewound, such as a pipe, and holds no more than
 * one chunk and the decoder's own window (zstd: at most 128 MiB, what libzstd takes by itself).
 */
#ifndef TAPLINE_READER_INFLATE_H
#define TAPLINE_READER_INFLATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "stages/reader/spool.h"

enum {
    INFLATE_HEAD = 24,          /* bytes that can be looked at ahead */
    INFLATE_CHUNK = 256 * 1024, /* bytes that are asked for at once */
};

struct inflate;

/** Reads from the spool, which must outlive it, or, where that is NULL, from the descriptor, which
 *  it owns from then on (also where this fails) and closes. NULL, with *error set to -ENOMEM, where
 *  memory is short; what is wrong with the content shows when it is read. */
struct inflate *inflate_new(int fd, struct spool *spool, int *error);

/** Closes the descriptor and gives everything back; takes NULL. */
void inflate_free(struct inflate **input);

/** The first bytes of the content, INFLATE_HEAD of them or fewer where there are no more; reading
 *  begins with them all the same. Borrowed. */
const uint8_t *inflate_head(const struct inflate *input, size_t *length);

/** From here on inflate_read() does not wait for bytes of a pipe or the like that have not come. */
void inflate_stop_waiting(struct inflate *input);

/** What to wait on where it returned ERR_AGAIN. */
int inflate_descriptor(const struct inflate *input);

/** The next bytes, between 1 and `size` (not 0) of them; 0 where the content ended; ERR_TRUNCATED
 *  where it broke off, is corrupt or cannot be read any further (see inflate_fault()); ERR_STOPPED
 *  where a signal interrupted the wait for bytes: handlers of signals that do not mean to stop the
 *  reading are installed with SA_RESTART. Both stay so; the bytes before have all been given.
 *  ERR_AGAIN: none are here yet, and it was told not to wait. */
ssize_t inflate_read(struct inflate *input, void *into, size_t size);

/** 0, or the error that reading ended with. */
int inflate_error(const struct inflate *input);

/** What broke off and where, once inflate_error() is ERR_TRUNCATED; else "". */
const char *inflate_fault(const struct inflate *input);

/** Bytes taken from the file as it lies there. */
uint64_t inflate_taken(const struct inflate *input);

#endif
