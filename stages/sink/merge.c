#include "stages/sink/merge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/error.h"

enum { LEAST_BUFFER = 4 * 1024, MOST_BUFFER = 1024 * 1024 };

/* One run and the entry that it stands at. */
struct head {
    struct run_reader *reader; /* NULL: it is the source */
    struct entry entry;
    uint64_t prefix;
    size_t rank; /* the earlier run is the smaller */
};

struct merge {
    struct head *heap; /* a binary heap, the smallest first */
    size_t count;
    struct merge_source source;
    bool taken; /* the first one's entry has been handed out */
};

static bool before(const struct head *a, const struct head *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix;
    int order = entry_compare(&a->entry, &b->entry);
    return order ? order < 0 : a->rank < b->rank;
}

static void sink_down(struct merge *m, size_t at)
{
    struct head moved = m->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= m->count)
            break;
        if (child + 1 < m->count && before(&m->heap[child + 1], &m->heap[child]))
            child++;
        if (!before(&m->heap[child], &moved))
            break;
        m->heap[at] = m->heap[child];
        at = child;
    }
    m->heap[at] = moved;
}

static int advance(const struct merge *m, struct head *head)
{
    int error = head->reader ? run_reader_next(head->reader, &head->entry)
                             : m->source.next(m->source.context, &head->entry);
    if (!error)
        head->prefix = entry_prefix(&head->entry);
    return error;
}

/* Reads on in the run at `at`; one that has no more leaves the heap's end short by one. */
static int advance_at(struct merge *m, size_t at)
{
    int error = advance(m, &m->heap[at]);
    if (error == ERR_EOF) {
        run_reader_free(&m->heap[at].reader);
        m->heap[at] = m->heap[--m->count];
        return 0;
    }
    return error;
}

static int open_runs(struct merge *m, const struct run *runs, size_t count, size_t memory)
{
    size_t share = memory / (count ? count : 1);
    share = share < LEAST_BUFFER ? LEAST_BUFFER : share > MOST_BUFFER ? MOST_BUFFER : share;
    for (size_t i = 0; i < count; i++) {
        struct head *head = &m->heap[m->count];
        *head = (struct head){.reader = run_reader_new(&runs[i], share), .rank = i};
        if (!head->reader)
            return -ENOMEM;
        m->count++;
        int error = advance_at(m, m->count - 1);
        if (error)
            return error;
    }
    return 0;
}

static int open_source(struct merge *m, const struct merge_source *source, size_t rank)
{
    m->source = *source;
    m->heap[m->count++] = (struct head){.rank = rank};
    return advance_at(m, m->count - 1);
}

struct merge *merge_new(const struct run *runs, size_t count, const struct merge_source *latest,
                        size_t memory, int *error)
{
    struct merge *m = calloc(1, sizeof *m);
    if (m)
        m->heap = calloc(count + 1, sizeof *m->heap);
    *error = m && m->heap ? open_runs(m, runs, count, memory) : -ENOMEM;
    if (!*error && latest)
        *error = open_source(m, latest, count);
    if (*error) {
        merge_free(&m);
        return NULL;
    }
    for (size_t i = m->count / 2; i-- > 0;)
        sink_down(m, i);
    return m;
}

void merge_free(struct merge **merge)
{
    struct merge *m = *merge;
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++)
        run_reader_free(&m->heap[i].reader);
    free(m->heap);
    free(m);
    *merge = NULL;
}

int merge_next(struct merge *m, struct entry *entry)
{
    if (m->taken) {
        int error = advance_at(m, 0);
        if (error)
            return error;
        if (m->count)
            sink_down(m, 0);
    }
    m->taken = m->count > 0;
    if (!m->count)
        return ERR_EOF;
    *entry = m->heap[0].entry;
    return 0;
}
