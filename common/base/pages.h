/*
 * Memory for what many objects lie in. A processor remembers where a few thousand pages are, and
 * has to look up all others each time: what takes many is in large ones where the system has them
 * (MADV_HUGEPAGE, madvise(2)).
 */
#ifndef TAPLINE_COMMON_PAGES_H
#define TAPLINE_COMMON_PAGES_H

#include <stddef.h>

/** The size of a large page in bytes; there may be others, which are of no use for less. */
enum { PAGES_LARGE = 2 * 1024 * 1024 };

/** Memory of that size, at the beginning of a line of the cache, and of a large page where it takes
 *  one or more; free() gives it back. What it holds is of no meaning. NULL: no memory. */
void *pages_take(size_t size);

#endif
