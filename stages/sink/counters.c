#include "stages/sink/counters.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

enum { MOST_COUNTERS = 128, NAME_SIZE = 48 };

struct counter {
    char name[NAME_SIZE];
    uint64_t value;
};

struct counters {
    size_t count;
    struct counter list[MOST_COUNTERS];
};

struct counters *counters_new(void)
{
    return calloc(1, sizeof(struct counters));
}

void counters_free(struct counters **counters)
{
    free(*counters);
    *counters = NULL;
}

static int add(struct counters *counters, struct slice name, uint64_t value)
{
    if (name.length >= NAME_SIZE)
        return ERR_LIMIT;
    size_t at = 0;
    while (at < counters->count && (strlen(counters->list[at].name) != name.length ||
                                    memcmp(counters->list[at].name, name.bytes, name.length) != 0))
        at++;
    if (at == MOST_COUNTERS)
        return ERR_LIMIT;
    if (at == counters->count) {
        memcpy(counters->list[at].name, name.bytes, name.length);
        counters->count++;
    }
    counters->list[at].value += value;
    return 0;
}

int counters_add(struct counters *counters, struct slice map)
{
    if (!map.length)
        return 0;
    struct unpack from = unpack_over(map.bytes, map.length);
    uint32_t pairs = unpack_map(&from);
    int error = from.error;
    for (uint32_t i = 0; i < pairs && !error; i++) {
        struct slice name = unpack_str(&from);
        uint64_t value = unpack_uint(&from);
        error = from.error ? from.error : add(counters, name, value);
    }
    return error;
}

uint64_t counters_value(const struct counters *counters, const char *name)
{
    for (size_t i = 0; i < counters->count; i++)
        if (strcmp(counters->list[i].name, name) == 0)
            return counters->list[i].value;
    return 0;
}

void counters_write(const struct counters *counters, struct jsonw *w)
{
    jsonw_open_object(w);
    for (size_t i = 0; i < counters->count; i++) {
        jsonw_name(w, counters->list[i].name, strlen(counters->list[i].name));
        jsonw_uint(w, counters->list[i].value);
    }
    jsonw_close_object(w);
}
