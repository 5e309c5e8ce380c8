#include "tests/bench/core.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/wire/pack.h"

enum { BATCH = 256 * 1024, ROLES = TAPLINE_LOBBY + 1 };

static const char *const ROLE_NAMES[ROLES] = {
    [TAPLINE_TRACKER] = "to-tracker",
    [TAPLINE_CLASSIFIER] = "to-classifier",
    [TAPLINE_EXTRACTOR] = "to-extractor",
    [TAPLINE_SINK] = "to-sink",
};

static struct {
    const char *prefix;
    FILE *files[ROLES];
    struct buffer batches[ROLES];
    uint32_t told;
} out;

void core_check(int error, const char *what)
{
    if (!error)
        return;
    fprintf(stderr, "%s: %s\n", what, error_text(error));
    exit(1);
}

struct slice core_file(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY);
    core_check(file < 0 || fstat(file, &status) != 0 ? ERR_UNREADABLE : 0, path);
    size_t length = (size_t)status.st_size;
    void *bytes = length ? mmap(NULL, length, PROT_READ, MAP_PRIVATE, file, 0) : NULL;
    core_check(bytes == MAP_FAILED ? ERR_UNREADABLE : 0, path);
    close(file);
    return (struct slice){bytes, length};
}

struct capture core_capture(const char *profile)
{
    static struct buffer trackers, sources;
    pack_array(&trackers, 1);
    pack_uint(&trackers, 1);
    pack_array(&sources, 0);
    return (struct capture){
        .id = 1,
        .attempt = 1,
        .profile = profile ? core_file(profile) : (struct slice){0},
        .zone = {(const uint8_t *)"UTC", 3},
        .request = {(const uint8_t *)"{}", 2},
        .trackers = {trackers.bytes, trackers.length},
        .sources = {sources.bytes, sources.length},
        .limits = LIMITS_DEFAULT,
    };
}

bool core_batch(struct slice *file, struct unpack *batch)
{
    uint32_t length;
    if (file->length < sizeof length)
        return false;
    memcpy(&length, file->bytes, sizeof length);
    *batch = unpack_over(file->bytes + sizeof length, length);
    file->bytes += sizeof length + length;
    file->length -= sizeof length + length;
    return true;
}

static FILE *open_output(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.%s", out.prefix, name);
    FILE *file = fopen(path, "wb");
    core_check(file ? 0 : ERR_OUTPUT, path);
    return file;
}

static void write_batch(FILE *file, const struct buffer *batch)
{
    uint32_t length = (uint32_t)batch->length;
    fwrite(&length, sizeof length, 1, file);
    fwrite(batch->bytes, 1, length, file);
}

static void write_role(enum tapline_role to)
{
    struct buffer *batch = &out.batches[to];
    if (!batch->length)
        return;
    if (!out.files[to])
        out.files[to] = open_output(ROLE_NAMES[to]);
    write_batch(out.files[to], batch);
    buffer_clear(batch);
}

struct buffer *core_open_batch(enum tapline_role to)
{
    return &out.batches[to];
}

void core_filled(enum tapline_role to)
{
    if (out.batches[to].length >= BATCH)
        write_role(to);
}

static int take_event(void *context, enum tapline_role to, outlet_route *route,
                      const struct event *event)
{
    (void)context;
    *route = 1;
    event_pack(&out.batches[to], event, NULL);
    core_filled(to);
    return 0;
}

static void take_demand(void *context, uint32_t from, const struct demand *demand)
{
    (void)context;
    (void)from;
    (void)demand;
}

static int take_tally(void *context, const struct buffer *map)
{
    (void)context;
    FILE *file = open_output("tally");
    write_batch(file, map);
    fclose(file);
    return 0;
}

/* The sink is driven with all that it gets at once: what is over early is of no use to it. */
static int take_mark(void *context, const struct mark *mark)
{
    (void)context;
    (void)mark;
    return 0;
}

static int take_word(void *context, enum tapline_kind kind, const struct buffer *body)
{
    (void)context;
    (void)body;
    out.told = kind;
    return 0;
}

const struct outlet *core_outlet(const char *prefix)
{
    static const struct outlet outlet = {NULL,       take_event, take_demand,
                                         take_tally, take_mark,  take_word};
    out.prefix = prefix;
    return &outlet;
}

uint32_t core_told(void)
{
    return out.told;
}

void core_close(void)
{
    for (int role = 0; role < ROLES; role++) {
        write_role((enum tapline_role)role);
        if (out.files[role])
            fclose(out.files[role]);
        buffer_free(&out.batches[role]);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("for tests/bench/instructions alone\n", stderr);
        return 2;
    }
    core_run(argv);
    return 0;
}
