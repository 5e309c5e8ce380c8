#include "stages/extractor/certificate_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/wire/pack.h"

enum { ENTRIES = 256, LONGEST = 8 * 1024 };

/* Of two certificates that belong in the same place the later one stays. */
struct entry {
    struct buffer der; /* empty: free, or of one longer than LONGEST, which is not known again */
    char fingerprint[FINGERPRINT_TEXT];
    struct buffer domains;
};

struct certificate_cache {
    struct entry entries[ENTRIES];
};

struct certificate_cache *certificate_cache_new(void)
{
    return calloc(1, sizeof(struct certificate_cache));
}

void certificate_cache_free(struct certificate_cache **cache)
{
    if (!*cache)
        return;
    for (size_t i = 0; i < ENTRIES; i++) {
        buffer_free(&(*cache)->entries[i].der);
        buffer_free(&(*cache)->entries[i].domains);
    }
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

static int read_anew(struct entry *entry, struct slice der)
{
    buffer_clear(&entry->der);
    buffer_clear(&entry->domains);
    int error = certificate_fingerprint(der.bytes, der.length, entry->fingerprint);
    if (!error)
        error = read_domains(&entry->domains, der);
    if (!error && der.length <= LONGEST)
        error = buffer_append(&entry->der, der.bytes, der.length);
    return error;
}

static bool is_of(const struct entry *entry, struct slice der)
{
    return entry->der.length == der.length && memcmp(entry->der.bytes, der.bytes, der.length) == 0;
}

int certificate_cache_read(struct certificate_cache *cache, struct slice der,
                           struct certificate_words *words)
{
    struct entry *entry = &cache->entries[XXH3_64bits(der.bytes, der.length) % ENTRIES];
    int error = is_of(entry, der) ? 0 : read_anew(entry, der);
    *words = (struct certificate_words){
        .fingerprint = entry->fingerprint,
        .domains = {entry->domains.bytes, entry->domains.length},
    };
    return error;
}
