#include "stages/sink/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/table.h"

struct record {
    struct record *next;
    uint64_t packet;
    uint32_t order;
    uint32_t length;
    uint8_t bytes[];
};

/* What waits of one flow. */
struct queue {
    uint64_t flow;
    uint64_t count;
    struct record *first, *last;
};

struct waiting {
    struct table flows; /* struct queue */
    size_t memory;
    size_t used;
};

struct waiting *waiting_new(size_t memory)
{
    struct waiting *w = calloc(1, sizeof *w);
    if (w)
        w->memory = memory;
    return w;
}

static size_t cost(const struct record *record)
{
    return sizeof *record + record->length;
}

static struct record *unlink_first(struct waiting *w, struct queue *queue)
{
    struct record *record = queue->first;
    queue->first = record->next;
    w->used -= cost(record);
    return record;
}

static void queue_free(void *object)
{
    struct queue *queue = object;
    for (struct record *record = queue->first, *next; record; record = next) {
        next = record->next;
        free(record);
    }
    free(queue);
}

void waiting_free(struct waiting **waiting)
{
    if (!*waiting)
        return;
    table_free(&(*waiting)->flows, queue_free);
    free(*waiting);
    *waiting = NULL;
}

static struct queue *queue_of(struct waiting *w, uint64_t flow)
{
    struct queue *queue = table_find(&w->flows, flow);
    if (queue)
        return queue;
    queue = calloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    queue->flow = flow;
    if (table_add(&w->flows, flow, queue) == 0)
        return queue;
    free(queue);
    return NULL;
}

int waiting_add(struct waiting *w, uint64_t flow, uint64_t packet, uint32_t order, struct slice map)
{
    if (map.length > UINT32_MAX || w->used + sizeof(struct record) + map.length > w->memory)
        return ERR_LIMIT;
    struct record *record = malloc(sizeof *record + map.length);
    struct queue *queue = record ? queue_of(w, flow) : NULL;
    if (!queue) {
        free(record);
        return -ENOMEM;
    }
    *record = (struct record){.packet = packet, .order = order, .length = (uint32_t)map.length};
    memcpy(record->bytes, map.bytes, map.length);
    if (queue->first)
        queue->last->next = record;
    else
        queue->first = record;
    queue->last = record;
    queue->count++;
    w->used += cost(record);
    return 0;
}

uint64_t waiting_count(const struct waiting *w, uint64_t flow)
{
    const struct queue *queue = table_find(&w->flows, flow);
    return queue ? queue->count : 0;
}

static int release(struct waiting *w, struct queue *queue, waiting_fn *each, void *context)
{
    int error = 0;
    while (queue->first) {
        struct record *record = unlink_first(w, queue);
        if (!error)
            error = each(context, queue->flow, record->packet, record->order,
                         (struct slice){record->bytes, record->length});
        free(record);
    }
    free(queue);
    return error;
}

int waiting_release(struct waiting *w, uint64_t flow, waiting_fn *each, void *context)
{
    struct queue *queue = table_take(&w->flows, flow);
    return queue ? release(w, queue, each, context) : 0;
}

int waiting_release_all(struct waiting *w, waiting_fn *each, void *context)
{
    int error = 0;
    for (size_t i = 0; i < w->flows.size; i++)
        if (w->flows.slots[i].object) {
            int one = release(w, w->flows.slots[i].object, each, context);
            error = error ? error : one;
        }
    table_free(&w->flows, NULL);
    return error;
}
