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

/* Beats that are closer than this tell nothing about how fast it goes. */
#define BEAT_LEAST_NS (INT64_C(500) * 1000000)

static uint64_t rate(uint64_t before, uint64_t now, int64_t between_ns)
{
    return (uint64_t)((double)(now - before) * 1e9 / (double)between_ns);
}

static void beat_move(struct vitals_beat *beat, const struct vitals *f, int64_t now_ns)
{
    int64_t between = now_ns - beat->time_ns;
    uint64_t in = vital_get(&f->bytes_in), out = vital_get(&f->bytes_out);
    if (beat->time_ns && between < BEAT_LEAST_NS)
        return;
    if (beat->time_ns) {
        beat->rate_in = rate(beat->bytes_in, in, between);
        beat->rate_out = rate(beat->bytes_out, out, between);
    }
    beat->time_ns = now_ns;
    beat->bytes_in = in;
    beat->bytes_out = out;
}

void vitals_pack(struct vitals *f, struct vitals_beat *beat, int64_t now_ns, struct buffer *to)
{
    char host[HOST_NAME_MAX + 1] = "";
    beat_move(beat, f, now_ns);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"pid", (uint64_t)getpid()},
        {"memory", resident()},
        {"messages_in", vital_get(&f->messages_in)},
        {"bytes_in", vital_get(&f->bytes_in)},
        {"messages_bad", vital_get(&f->messages_bad)},
        {"messages_out", vital_get(&f->messages_out)},
        {"bytes_out", vital_get(&f->bytes_out)},
        {"rate_in", beat->rate_in},
        {"rate_out", beat->rate_out},
        {"queue_bytes", vital_get(&f->queue_bytes)},
        {"lag_ns", vital_take(&f->lag_ns)},
        {"sessions_in", vital_get(&f->sessions_in)},
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
