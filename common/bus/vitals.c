#include "common/bus/vitals.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/wire/pack.h"

/* Bytes of this process that are in memory; 0 where the system does not tell. */
static uint64_t resident(void)
{
    uint64_t size, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &size, &pages) != 2)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void vitals_pack(const struct vitals *f, struct buffer *to)
{
    char host[HOST_NAME_MAX + 1] = "";
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"pid", (uint64_t)getpid()},
        {"memory", resident()},
        {"messages_in", vital_get(&f->messages_in)},
        {"bytes_in", vital_get(&f->bytes_in)},
        {"messages_out", vital_get(&f->messages_out)},
        {"bytes_out", vital_get(&f->bytes_out)},
        {"sessions", vital_get(&f->sessions)},
        {"flows_in", vital_get(&f->flows_in)},
        {"flows", vital_get(&f->flows)},
        {"full_waits", vital_get(&f->full_waits)},
        {"blocked_ns", vital_get(&f->blocked_ns)},
        {"idle_ns", vital_get(&f->idle_ns)},
    };
    gethostname(host, sizeof host - 1);
    pack_map(to, 1 + sizeof rows / sizeof rows[0]);
    pack_str(to, "host");
    pack_text(to, host, strlen(host));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pack_str(to, rows[i].name);
        pack_uint(to, rows[i].value);
    }
}
