#include "stages/extractor/domain_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/error.h"
#include "common/wire/pack.h"

enum { ENTRIES = 256 };

/* Of two certificates that belong in the same place the later one stays. */
struct entry {
    char fingerprint[FINGERPRINT_TEXT]; /* empty: free */
    struct buffer domains;
};

struct domain_cache {
    struct entry entries[ENTRIES];
};

struct domain_cache *domain_cache_new(void)
{
    return calloc(1, sizeof(struct domain_cache));
}

void domain_cache_free(struct domain_cache **cache)
{
    if (!*cache)
        return;
    for (size_t i = 0; i < ENTRIES; i++)
        buffer_free(&(*cache)->entries[i].domains);
    free(*cache);
    *cache = NULL;
}

struct list {
    struct buffer *packed;
    uint32_t count;
};

static int add(void *context, const uint8_t *name, size_t length)
{
    struct list *list = context;
    pack_text(list->packed, name, length);
    list->count++;
    return 0;
}

static int read_domains(struct buffer *packed, struct slice der)
{
    struct list list = {packed, 0};
    size_t place = pack_array_open(packed);
    int error = certificate_domains(der.bytes, der.length, add, &list);
    pack_array_close(packed, place, list.count);
    if (error && error != ERR_MALFORMED)
        return error;
    return packed->failed ? -ENOMEM : 0;
}

int domain_cache_read(struct domain_cache *cache, const char fingerprint[FINGERPRINT_TEXT],
                      struct slice der, struct slice *domains)
{
    struct entry *entry = &cache->entries[XXH3_64bits(fingerprint, FINGERPRINT_TEXT - 1) % ENTRIES];
    int error = 0;
    if (strcmp(entry->fingerprint, fingerprint) != 0) {
        buffer_clear(&entry->domains);
        error = read_domains(&entry->domains, der);
        memcpy(entry->fingerprint, fingerprint, FINGERPRINT_TEXT);
        if (error)
            entry->fingerprint[0] = '\0';
    }
    *domains = (struct slice){entry->domains.bytes, entry->domains.length};
    return error;
}
