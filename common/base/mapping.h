/*
 * A file's content in this process's memory, to be read only. It is there in full at any time; how
 * much of it takes memory is for mapping_release to say, so that a file of any size can be read
 * from one end to the other.
 */
#ifndef TAPLINE_COMMON_MAPPING_H
#define TAPLINE_COMMON_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

struct mapping;

/** Maps the first `size` bytes (not 0) of a regular file that has as many. The descriptor stays the
 *  caller's. NULL, with *error set to a negated errno. To be called from the main thread only, as
 *  all of these are. */
struct mapping *mapping_new(int descriptor, uint64_t size, int *error);

/** Where the content stands, and how much of it there is. */
const uint8_t *mapping_bytes(const struct mapping *mapping);
uint64_t mapping_size(const struct mapping *mapping);

/** Its own descriptor of the file, open for as long as the mapping is. */
int mapping_descriptor(const struct mapping *mapping);

/** What lies between these offsets takes no memory from here on, until it is read again: all pieces
 *  of MAPPING_PIECE bytes from the one that holds the first to the one before the last. */
void mapping_release(struct mapping *mapping, uint64_t from, uint64_t to);

enum { MAPPING_PIECE = 2 << 20 };

/** Could the file not be read in some place, because it has become shorter, or the disk failed?
 *  From that place on zeros were read instead. */
bool mapping_broken(const struct mapping *mapping);

/** Nobody may read there any more. Accepts NULL in the caller's pointer, and sets it to NULL. */
void mapping_free(struct mapping **mapping);

#endif
