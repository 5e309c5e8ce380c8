#include "common/base/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "common/base/cache.h"

void *pages_take(size_t size)
{
    void *room;
    size_t alignment = size < PAGES_LARGE ? (size_t)CACHE_LINE : (size_t)PAGES_LARGE;
    if (posix_memalign(&room, alignment, size) != 0)
        return NULL;
    if (size >= PAGES_LARGE) /* where there are none, nothing is lost */
        madvise(room, size / PAGES_LARGE * PAGES_LARGE, MADV_HUGEPAGE);
    return room;
}
