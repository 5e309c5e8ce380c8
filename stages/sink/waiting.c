#include "stages/sink/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/table.h"
#include "stages/sink/shelf.h"

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
    struct shelf *records;
};

struct waiting *waiting_new(size_t memory)
{
    struct waiting *w = calloc(1, sizeof *w);
    if (w && !(w->records = shelf_new(memory)))
        waiting_free(&w);
    return w;
}

void waiting_free(struct waiting **waiting)
{
    if (!*waiting)
        return;
    table_free(&(*waiting)->flows, free);
    shelf_free(&(*waiting)->records);
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

int waiting_add(struct waiting *w, uint64_t flow, uint64_t packet, uint32_t order,
                struct slice bytes)
{
    int error = bytes.length > UINT32_MAX ? ERR_LIMIT : 0;
    struct record *record =
        error ? NULL : shelf_take(w->records, sizeof *record + bytes.length, &error);
    if (!record)
        return error;
    struct queue *queue = queue_of(w, flow);
    if (!queue) {
        shelf_give_back(w->records, record);
        return -ENOMEM;
    }
    *record = (struct record){.packet = packet, .order = order, .length = (uint32_t)bytes.length};
    memcpy(record->bytes, bytes.bytes, bytes.length);
    if (queue->first)
        queue->last->next = record;
    else
        queue->first = record;
    queue->last = record;
    queue->count++;
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
    for (struct record *record = queue->first, *next; record; record = next) {
        next = record->next;
        if (!error)
            error = each(context, queue->flow, record->packet, record->order,
                         (struct slice){record->bytes, record->length});
        shelf_give_back(w->records, record);
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
