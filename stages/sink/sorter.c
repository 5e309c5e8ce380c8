#include "stages/sink/sorter.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/error.h"
#include "stages/sink/merge.h"
#include "stages/sink/spill.h"

enum { RUNS_PER_LEVEL = 64, LEVELS = 4, LEAST_MEMORY = 4096 };

/* This part of the memory is for buffers that the last merge reads its runs through, beside what
 * the arena holds then. */
enum { BUFFERS_PART = 16 };

/* An entry in the arena; the offset also says which came first. */
struct place {
    uint64_t prefix;
    uint64_t offset;
};
enum { PREFIX_BYTES = sizeof(uint64_t) };

/* Runs of about the same size. */
struct level {
    struct spill *spill; /* NULL: none yet */
    struct run runs[RUNS_PER_LEVEL];
    size_t count;
};

struct sorter {
    int directory;
    size_t memory;  /* for the arena, */
    size_t buffers; /* and for the last merge's buffers */
    uint8_t *arena; /* NULL: not mapped now. Entries grow from its start, places from its end */
    size_t used;
    size_t count; /* entries in the arena */
    struct level levels[LEVELS];
    uint64_t spilled;
    bool handing_out;
    bool is_part;
    size_t next;         /* of the arena's entries that are handed out, */
    size_t end;          /* and behind the last of them */
    struct merge *merge; /* of these and of the runs, where something was spilled */
};

struct sorter *sorter_new(size_t memory, int directory)
{
    struct sorter *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->directory = directory;
    memory = memory < LEAST_MEMORY ? LEAST_MEMORY : memory;
    s->buffers = memory / BUFFERS_PART;
    s->memory = (memory - s->buffers) / sizeof(struct place) * sizeof(struct place);
    return s;
}

static void release_arena(struct sorter *s)
{
    if (s->arena)
        munmap(s->arena, s->memory);
    s->arena = NULL;
    s->used = s->count = 0;
}

void sorter_free(struct sorter **sorter)
{
    struct sorter *s = *sorter;
    if (!s)
        return;
    merge_free(&s->merge);
    for (size_t i = 0; i < LEVELS; i++)
        spill_free(&s->levels[i].spill);
    release_arena(s);
    free(s);
    *sorter = NULL;
}

static struct place *places(const struct sorter *s)
{
    return (struct place *)(void *)(s->arena + s->memory) - s->count;
}

/* Of two with the same prefix. */
static int compare_places(const void *left, const void *right, void *arena)
{
    const struct place *a = left, *b = right;
    struct entry x = entry_at((uint8_t *)arena + a->offset);
    struct entry y = entry_at((uint8_t *)arena + b->offset);
    int order = entry_compare(&x, &y);
    return order ? order : a->offset < b->offset ? -1 : 1;
}

/* Counts how often each value of each byte of the prefixes comes. */
static void count_bytes(const struct place *from, size_t count, size_t counts[][256])
{
    for (size_t i = 0; i < count; i++)
        for (size_t byte = 0; byte < PREFIX_BYTES; byte++)
            counts[byte][from[i].prefix >> 8 * byte & 0xff]++;
}

/* Puts the places in the order of one byte of their prefixes, and leaves the order of equal ones.
 */
static void distribute(const struct place *from, struct place *to, size_t count, size_t byte,
                       const size_t counts[256])
{
    size_t starts[256], start = 0;
    for (size_t value = 0; value < 256; value++) {
        starts[value] = start;
        start += counts[value];
    }
    for (size_t i = 0; i < count; i++)
        to[starts[from[i].prefix >> 8 * byte & 0xff]++] = from[i];
}

/* Sorts by prefix, from the lowest byte to the highest (Knuth, 5.2.5); a byte that all have alike
 * is passed over. `spare` has room for as many. */
static void sort_by_prefix(struct place *all, struct place *spare, size_t count)
{
    size_t counts[PREFIX_BYTES][256] = {0};
    struct place *from = all, *to = spare;
    count_bytes(from, count, counts);
    for (size_t byte = 0; byte < PREFIX_BYTES; byte++) {
        if (counts[byte][from->prefix >> 8 * byte & 0xff] == count)
            continue;
        distribute(from, to, count, byte, counts[byte]);
        struct place *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != all)
        memcpy(all, from, count * sizeof *all);
}

/* Puts the latest one last. */
static void reverse(struct place *all, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct place one = all[i];
        all[i] = all[count - 1 - i];
        all[count - 1 - i] = one;
    }
}

static bool in_order(const struct sorter *s, const struct place *all, size_t count)
{
    size_t i = 1;
    while (i < count && compare_places(&all[i - 1], &all[i], s->arena) < 0)
        i++;
    return i >= count;
}

/* Sorts the first of the places, of which the latest comes first. Those of one prefix mostly came
 * in their order: it is what a connection has requested. */
static void sort_places(struct sorter *s, size_t count)
{
    if (!count)
        return;
    struct place *all = places(s);
    reverse(all, count);
    sort_by_prefix(all, all - count, count);
    for (size_t first = 0, next; first < count; first = next) {
        for (next = first + 1; next < count && all[next].prefix == all[first].prefix; next++)
            ;
        if (!in_order(s, all + first, next - first))
            qsort_r(all + first, next - first, sizeof *all, compare_places, s->arena);
    }
}

static int level_begin_run(struct sorter *s, struct level *level)
{
    int error = 0;
    if (!level->spill)
        level->spill = spill_new(s->directory, &error);
    return error;
}

static int level_end_run(struct sorter *s, struct level *level)
{
    struct run *run = &level->runs[level->count];
    int error = spill_end_run(level->spill, run);
    if (!error) {
        s->spilled += run->end - run->start;
        level->count++;
    }
    return error;
}

/* Makes one run of all of a level's, on the next level. */
static int raise_level(struct sorter *s, size_t at)
{
    struct level *from = &s->levels[at], *to = from + 1;
    if (at + 1 == LEVELS)
        return ERR_LIMIT;
    int error = level_begin_run(s, to);
    if (error)
        return error;
    release_arena(s);
    struct merge *merge = merge_new(from->runs, from->count, NULL, s->memory, &error);
    struct entry entry;
    while (!error && (error = merge_next(merge, &entry)) == 0)
        error = spill_put(to->spill, &entry);
    merge_free(&merge);
    if (error != ERR_EOF)
        return error;
    from->count = 0;
    error = level_end_run(s, to);
    return error ? error : spill_empty(from->spill);
}

static int raise_full_levels(struct sorter *s)
{
    int error = 0;
    for (size_t i = 0; i < LEVELS && !error && s->levels[i].count == RUNS_PER_LEVEL; i++)
        error = raise_level(s, i);
    return error;
}

static int spill_arena(struct sorter *s)
{
    if (!s->count)
        return 0;
    struct level *level = &s->levels[0];
    int error = level_begin_run(s, level);
    sort_places(s, s->count);
    const struct place *place = places(s);
    for (size_t i = 0; i < s->count && !error; i++) {
        struct entry entry = entry_at(s->arena + place[i].offset);
        error = spill_put(level->spill, &entry);
    }
    s->used = s->count = 0;
    if (!error)
        error = level_end_run(s, level);
    return error ? error : raise_full_levels(s);
}

/* One that is longer than the arena makes a run of its own. */
static int spill_alone(struct sorter *s, const struct entry *entry)
{
    struct level *level = &s->levels[0];
    int error = level_begin_run(s, level);
    if (!error)
        error = spill_put(level->spill, entry);
    if (!error)
        error = level_end_run(s, level);
    return error ? error : raise_full_levels(s);
}

static int map_arena(struct sorter *s)
{
    void *arena = mmap(NULL, s->memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED)
        return -ENOMEM;
    s->arena = arena;
    return 0;
}

/* Every entry takes two places: its own, and one that sorting needs for itself. */
static bool fits(const struct sorter *s, size_t size)
{
    size_t indexed = (s->count + 1) * 2 * sizeof(struct place);
    return indexed <= s->memory && size <= s->memory - indexed &&
           s->used <= s->memory - indexed - size;
}

int sorter_add(struct sorter *s, const struct entry *entry)
{
    assert(!s->handing_out);
    size_t size = entry_size(entry);
    if (!fits(s, size)) {
        int error = spill_arena(s);
        if (error || !fits(s, size))
            return error ? error : spill_alone(s, entry);
    }
    if (!s->arena && map_arena(s) != 0)
        return -ENOMEM;
    uint8_t *at = s->arena + s->used;
    entry_store_head(entry, at);
    memcpy(at + ENTRY_HEAD, entry->key, entry->key_length);
    if (entry->value_length)
        memcpy(at + ENTRY_HEAD + entry->key_length, entry->value, entry->value_length);
    s->count++;
    *places(s) = (struct place){entry_prefix(entry), s->used};
    s->used += size;
    return 0;
}

static int next_in_arena(void *context, struct entry *entry)
{
    struct sorter *s = context;
    if (s->next == s->end)
        return ERR_EOF;
    *entry = entry_at(s->arena + places(s)[s->next++].offset);
    return 0;
}

/* What the arena holds at the end is merged from there. */
static int merge_all(struct sorter *s)
{
    int error;
    const struct merge_source latest = {next_in_arena, s};
    struct run runs[LEVELS * RUNS_PER_LEVEL];
    size_t count = 0;
    for (size_t i = LEVELS; i-- > 0;) /* higher levels hold the earlier entries */
        for (size_t run = 0; run < s->levels[i].count; run++)
            runs[count++] = s->levels[i].runs[run];
    s->merge = merge_new(runs, count, &latest, s->buffers, &error);
    return error;
}

static int start_handing_out(struct sorter *s)
{
    s->handing_out = true;
    s->next = 0;
    s->end = s->count;
    sort_places(s, s->count);
    return s->spilled ? merge_all(s) : 0;
}

/* Puts the places of a part's entries before the others, and leaves the order of either. How many
 * there are. */
static size_t gather_part(struct sorter *s, sorter_belongs *belongs, const void *context)
{
    if (!s->count)
        return 0;
    struct place *all = places(s), *spare = all, *left = all + s->count;
    for (size_t i = s->count; i-- > 0;) {
        if (belongs(context, all[i].prefix))
            *--spare = all[i];
        else
            *--left = all[i];
    }
    size_t count = (size_t)(all - spare);
    memmove(all, spare, count * sizeof *all);
    return count;
}

void sorter_begin_part(struct sorter *s, sorter_belongs *belongs, const void *context)
{
    assert(!s->handing_out && !s->spilled);
    s->handing_out = s->is_part = true;
    s->next = 0;
    s->end = gather_part(s, belongs, context);
    sort_places(s, s->end);
}

/* Moves what a part left together, in the order in which it came. */
static void end_part(struct sorter *s)
{
    s->handing_out = s->is_part = false;
    s->count -= s->end; /* the places of what is left are the last */
    s->used = 0;
    if (!s->count)
        return;
    struct place *left = places(s);
    for (size_t i = s->count; i-- > 0;) {
        const uint8_t *from = s->arena + left[i].offset;
        struct entry entry = entry_at(from);
        size_t size = entry_size(&entry);
        memmove(s->arena + s->used, from, size);
        left[i].offset = s->used;
        s->used += size;
    }
}

int sorter_next(struct sorter *s, struct entry *entry)
{
    int error = s->handing_out ? 0 : start_handing_out(s);
    if (error)
        return error;
    error = s->merge ? merge_next(s->merge, entry) : next_in_arena(s, entry);
    if (error == ERR_EOF && s->is_part)
        end_part(s);
    return error;
}

size_t sorter_held(const struct sorter *s)
{
    return s->used;
}

uint64_t sorter_spilled(const struct sorter *s)
{
    return s->spilled;
}
