#include "stages/extractor/http_held.h"

#include <errno.h>
#include <string.h>

#include "common/base/error.h"

int http_held_add(struct http_held *held, const struct http_held_event *event)
{
    size_t length = event->is_gap ? 0 : event->data.length;
    if (held->cost + HTTP_HELD_EVENT + length > HTTP_HELD_MOST)
        return ERR_LIMIT;
    held->cost += HTTP_HELD_EVENT + length;
    buffer_append(&held->events, event, sizeof *event);
    buffer_append(&held->events, length ? event->data.bytes : NULL, length);
    return held->events.failed ? -ENOMEM : 0;
}

bool http_held_next(const struct http_held *held, size_t *at, struct http_held_event *event)
{
    if (*at == held->events.length)
        return false;
    memcpy(event, held->events.bytes + *at, sizeof *event);
    *at += sizeof *event;
    if (!event->is_gap) {
        event->data.bytes = held->events.bytes + *at;
        *at += event->data.length;
    }
    return true;
}

void http_held_free(struct http_held *held)
{
    buffer_free(&held->events);
    held->cost = 0;
}
