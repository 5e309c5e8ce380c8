#include "stages/tracker/slab.h"

#include <stdlib.h>

#include "common/base/cache.h"

static int grow(struct slab *slab)
{
    size_t chunks = (size_t)slab->chunk_count + 1;
    if (chunks > UINT32_MAX / SLAB_CHUNK)
        return -1;
    uint8_t **grown = realloc(slab->chunks, chunks * sizeof *grown);
    if (!grown)
        return -1;
    slab->chunks = grown;
    uint32_t *released = realloc(slab->released, chunks * SLAB_CHUNK * sizeof *released);
    if (!released)
        return -1;
    slab->released = released;
    grown[slab->chunk_count] = aligned_alloc(CACHE_LINE, SLAB_CHUNK * slab->object_size);
    if (!grown[slab->chunk_count])
        return -1;
    slab->chunk_count++;
    return 0;
}

void *slab_take(struct slab *slab, uint32_t *slot)
{
    if (slab->released_count > 0) {
        *slot = slab->released[--slab->released_count];
    } else {
        if (slab->slots == slab->chunk_count * SLAB_CHUNK && grow(slab) != 0)
            return NULL;
        *slot = slab->slots++;
    }
    return slab_at(slab, *slot);
}

void slab_release(struct slab *slab, uint32_t slot)
{
    slab->released[slab->released_count++] = slot;
}

void slab_free(struct slab *slab)
{
    for (uint32_t i = 0; i < slab->chunk_count; i++)
        free(slab->chunks[i]);
    free(slab->chunks);
    free(slab->released);
    *slab = (struct slab){.object_size = slab->object_size};
}
