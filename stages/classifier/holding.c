#include "stages/classifier/holding.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/buffer.h"
#include "common/base/error.h"

struct holding {
    struct buffer bytes;
    struct buffer starts;   /* struct start, in stream order */
    struct buffer segments; /* struct held, in stream order */
    uint64_t base;          /* stream offset of the first byte of the run */
    struct spares *spares;  /* where it goes when nothing is held any more */
};

static void drop(void *object)
{
    struct holding *h = object;
    buffer_free(&h->bytes);
    buffer_free(&h->starts);
    buffer_free(&h->segments);
    free(h);
}

/* One that holds nothing, with whatever memory it has. */
static struct holding *holding_new(struct spares *spares, uint64_t base)
{
    struct holding *h = spares_take(spares);
    if (!h)
        h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    buffer_clear(&h->bytes);
    buffer_clear(&h->starts);
    buffer_clear(&h->segments);
    h->base = base;
    h->spares = spares;
    return h;
}

size_t holding_starts(const struct holding *h)
{
    return h ? h->starts.length / sizeof(struct start) : 0;
}

struct start *holding_start(const struct holding *h, size_t index)
{
    return (struct start *)(void *)h->starts.bytes + index;
}

size_t holding_segments(const struct holding *h)
{
    return h ? h->segments.length / sizeof(struct held) : 0;
}

static const struct held *segment(const struct holding *h, size_t index)
{
    return (const struct held *)(const void *)h->segments.bytes + index;
}

int holding_add(struct holding **holding, struct spares *spares, place at,
                const struct event_data *data)
{
    struct held held = {at, *data};
    held.data.bytes = NULL;
    if (!*holding)
        *holding = holding_new(spares, data->offset);
    struct holding *h = *holding;
    if (!h)
        return -ENOMEM;
    if (data->offset != h->base + h->bytes.length)
        return ERR_MALFORMED;
    buffer_append(&h->bytes, data->bytes, data->length);
    buffer_append(&h->segments, &held, sizeof held);
    return h->bytes.failed || h->segments.failed ? -ENOMEM : 0;
}

int holding_add_start(struct holding *h, const struct start *start)
{
    return buffer_append(&h->starts, start, sizeof *start);
}

struct slice holding_bytes(const struct holding *h, const struct start *start)
{
    size_t before = (size_t)(start->offset - h->base);
    return (struct slice){h->bytes.bytes + before, h->bytes.length - before};
}

struct held holding_segment(const struct holding *h, size_t index)
{
    struct held held = *segment(h, index);
    held.data.bytes = h->bytes.bytes + (held.data.offset - h->base);
    return held;
}

/* Drops the segments before an offset, which is the first of one of them. */
static void drop_before(struct holding *h, uint64_t offset)
{
    size_t count = 0, all = holding_segments(h);
    while (count < all && segment(h, count)->data.offset < offset)
        count++;
    if (count == 0)
        return;
    buffer_consume(&h->segments, count * sizeof(struct held));
    buffer_consume(&h->bytes, (size_t)(offset - h->base));
    h->base = offset;
}

void holding_settle(struct holding **holding)
{
    struct holding *h = *holding;
    size_t kept = 0;
    if (!h)
        return;
    for (size_t i = 0; i < holding_starts(h); i++) {
        if (!start_undecided(holding_start(h, i)))
            continue;
        if (kept < i)
            *holding_start(h, kept) = *holding_start(h, i);
        kept++;
    }
    h->starts.length = kept * sizeof(struct start);
    if (kept == 0)
        holding_free(holding);
    else
        drop_before(h, holding_start(h, 0)->offset);
}

void holding_free(struct holding **h)
{
    if (*h)
        spares_put((*h)->spares, *h, drop);
    *h = NULL;
}
