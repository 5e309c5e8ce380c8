#include "tests/bench/samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/link.h"
#include "stages/reader/source.h"

void *samples_room(void *old, size_t size)
{
    void *room = realloc(old, size);
    if (!room) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return room;
}

static void add(struct samples *samples, const struct frame *frame, int64_t first_ns,
                uint32_t capture)
{
    if (samples->count % 1024 == 0)
        samples->list =
            samples_room(samples->list, (samples->count + 1024) * sizeof *samples->list);
    struct sample *s = &samples->list[samples->count];
    *s = (struct sample){.time_ns = frame->time_ns - first_ns,
                         .length = frame->length,
                         .wire_length = frame->wire_length,
                         .capture = capture,
                         .place = samples->count++,
                         .bytes = samples_room(NULL, frame->length + 1)};
    memcpy(s->bytes, frame->bytes, frame->length);
}

static int by_time(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

struct samples samples_read(char **paths, size_t count)
{
    struct samples samples = {0};
    for (size_t i = 0; i < count; i++) {
        char fault[512];
        int error;
        struct source *source = source_open(paths[i], NULL, NULL, fault, sizeof fault, &error);
        struct frame frame;
        int64_t first_ns = 0;
        if (!source) {
            fprintf(stderr, "%s\n", fault);
            exit(1);
        }
        while (source_next(source, &frame) == 0) {
            if (frame.number == 1)
                first_ns = frame.time_ns;
            if (frame.link == LINK_ETHERNET)
                add(&samples, &frame, first_ns, (uint32_t)i);
        }
        source_free(&source);
    }
    qsort(samples.list, samples.count, sizeof *samples.list, by_time);
    return samples;
}
