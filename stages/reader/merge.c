#include "stages/reader/merge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "stages/reader/source.h"

enum { FAULT_SIZE = 1024 };

/* One source, and the next frame of it. */
struct lane {
    const char *path;
    struct source *source; /* NULL: not open, before its first frame is due or after its last */
    struct frame frame;    /* bytes are there only while the source is open */
    size_t place;          /* on the command line */
    uint64_t done;         /* of the file, while it is not open */
    uint64_t size;
};

struct merge {
    struct spools *spools;
    struct lane *lanes;
    size_t count;
    struct lane **heap; /* lanes that have a next frame, the earliest first */
    size_t waiting;     /* how many these are */
    struct lane *given; /* whose frame the caller has; NULL: none */
    const struct window_memory *memory; /* NULL: sources have their own */
    uint64_t frames;
    uint64_t cuts;
    char cut[FAULT_SIZE]; /* the first one */
};

/* ---- the heap ----------------------------------------------------------------------------- */

static bool earlier(const struct lane *a, const struct lane *b)
{
    if (a->frame.time_ns != b->frame.time_ns)
        return a->frame.time_ns < b->frame.time_ns;
    return a->place < b->place;
}

static void sink_down(struct merge *merge, size_t at)
{
    struct lane *lane = merge->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < merge->waiting && earlier(merge->heap[child + 1], merge->heap[child]))
            child++;
        if (child >= merge->waiting || !earlier(merge->heap[child], lane))
            break;
        merge->heap[at] = merge->heap[child];
        at = child;
    }
    merge->heap[at] = lane;
}

/* ---- lanes -------------------------------------------------------------------------------- */

/* After the last frame, or where no further one can be had: the file counts as done. */
static void lane_end(struct lane *lane)
{
    source_position(lane->source, &lane->done, &lane->size);
    if (lane->done < lane->size)
        lane->done = lane->size;
    source_free(&lane->source);
}

static void remember_cut(struct merge *merge, const char *name, const char *fault)
{
    if (merge->cuts++ == 0)
        snprintf(merge->cut, sizeof merge->cut, "%s: %s", name, fault);
}

/* Reads the lane's next frame. 0 also where there is none any more: the lane is closed then. */
static int lane_advance(struct merge *merge, struct lane *lane)
{
    int error = source_next(lane->source, &lane->frame);
    if (error == ERR_TRUNCATED)
        remember_cut(merge, source_name(lane->path), source_fault(lane->source));
    else if (error != ERR_EOF)
        return error;
    lane_end(lane);
    return 0;
}

static int lane_open(struct merge *merge, struct lane *lane, char *fault, size_t fault_size)
{
    int error;
    lane->source = source_open(lane->path, merge->spools, merge->memory, fault, fault_size, &error);
    if (lane->source)
        source_position(lane->source, &lane->done, &lane->size);
    return lane->source ? 0 : error;
}

/* The lane's first frame is due, and the lane closed since that was looked at. A file that has
 * become unreadable in between is cut off before its first frame. */
static int lane_reopen(struct merge *merge, struct lane *lane)
{
    char fault[FAULT_SIZE];
    int error = lane_open(merge, lane, fault, sizeof fault);
    if (!error)
        return lane_advance(merge, lane);
    if (error != ERR_UNREADABLE) {
        log_error("%s", fault);
        return error;
    }
    if (merge->cuts++ == 0)
        memcpy(merge->cut, fault, sizeof merge->cut);
    return 0;
}

/* ---- the merge ---------------------------------------------------------------------------- */

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int enter(struct merge *merge, struct lane *lane, char *fault, size_t fault_size)
{
    int error = lane_open(merge, lane, fault, fault_size);
    if (error)
        return error;
    error = lane_advance(merge, lane);
    if (error) {
        snprintf(fault, fault_size, "%s: %s", source_name(lane->path), error_text(error));
        return error;
    }
    if (!lane->source)
        return 0;
    source_stop_waiting(lane->source);
    merge->heap[merge->waiting++] = lane;
    if (lane->place >= MERGE_KEPT_OPEN && lane->size > 0 && strcmp(lane->path, "-") != 0) {
        source_free(&lane->source);
        lane->done = 0;
    }
    return 0;
}

static struct merge *merge_new(size_t count)
{
    struct merge *merge = calloc(1, sizeof *merge);
    if (!merge)
        return NULL;
    merge->lanes = calloc(count, sizeof *merge->lanes);
    merge->heap = calloc(count, sizeof *merge->heap);
    if (!merge->lanes || !merge->heap)
        merge_free(&merge);
    return merge;
}

struct merge *merge_open(const char *const *paths, size_t count, struct spools *spools,
                         const struct window_memory *memory, char *fault, size_t fault_size,
                         int *error)
{
    struct merge *merge = merge_new(count);
    *error = merge ? 0 : -ENOMEM;
    if (!merge) {
        snprintf(fault, fault_size, "%s", error_text(*error));
        return NULL;
    }
    if (count > MERGE_KEPT_OPEN)
        raise_file_limit();
    merge->count = count;
    merge->spools = spools;
    merge->memory = count <= MERGE_SHARING ? memory : NULL;
    for (size_t i = 0; i < count && !*error; i++) {
        merge->lanes[i].path = paths[i];
        merge->lanes[i].place = i;
        *error = enter(merge, &merge->lanes[i], fault, fault_size);
    }
    if (*error) {
        merge_free(&merge);
        return NULL;
    }
    for (size_t i = merge->waiting / 2; i-- > 0;)
        sink_down(merge, i);
    return merge;
}

void merge_free(struct merge **merge)
{
    if (!*merge)
        return;
    for (size_t i = 0; i < (*merge)->count; i++)
        source_free(&(*merge)->lanes[i].source);
    free((*merge)->lanes);
    free((*merge)->heap);
    free(*merge);
    *merge = NULL;
}

/* The lane at the top has another next frame, or none: finds it its place, or takes it out. */
static void settle_top(struct merge *merge)
{
    if (!merge->heap[0]->source)
        merge->heap[0] = merge->heap[--merge->waiting];
    if (merge->waiting > 1)
        sink_down(merge, 0);
}

int merge_next(struct merge *merge, struct frame **frame)
{
    int error;
    if (merge->given) {
        error = lane_advance(merge, merge->given);
        if (error)
            return error;
        merge->given = NULL;
        settle_top(merge);
    }
    while (merge->waiting > 0 && !merge->heap[0]->source) {
        error = lane_reopen(merge, merge->heap[0]);
        if (error)
            return error;
        if (!merge->heap[0]->source)
            settle_top(merge);
    }
    if (merge->waiting == 0)
        return merge->cuts ? ERR_TRUNCATED : ERR_EOF;
    merge->given = merge->heap[0];
    *frame = &merge->given->frame;
    (*frame)->number = ++merge->frames;
    return 0;
}

int merge_descriptor(const struct merge *merge)
{
    return source_descriptor(merge->given->source);
}

uint64_t merge_frames(const struct merge *merge)
{
    return merge->frames;
}

const char *merge_cut(const struct merge *merge, uint64_t *cuts)
{
    *cuts = merge->cuts;
    return merge->cuts ? merge->cut : NULL;
}

void merge_position(const struct merge *merge, uint64_t *done, uint64_t *size)
{
    bool known = true;
    *done = *size = 0;
    for (size_t i = 0; i < merge->count; i++) {
        const struct lane *lane = &merge->lanes[i];
        uint64_t lane_done = lane->done, lane_size = lane->size;
        if (lane->source)
            source_position(lane->source, &lane_done, &lane_size);
        *done += lane_done;
        *size += lane_size;
        known = known && lane_size > 0;
    }
    if (!known)
        *size = 0;
}
