/*
 * What a file that is no capture seems to be, for the message that refuses it.
 */
#ifndef TAPLINE_READER_SOURCE_KIND_H
#define TAPLINE_READER_SOURCE_KIND_H

#include <stddef.h>
#include <stdint.h>

/** "an xz file", "empty", ..., from the file's first bytes. Static. */
const char *source_kind(const uint8_t *head, size_t length);

#endif
