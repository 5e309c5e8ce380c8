/*
 * Events of one direction that are kept back: what follows a request to change protocols can only
 * be read once its answer says which protocol it is.
 */
#ifndef TAPLINE_EXTRACTOR_HTTP_HELD_H
#define TAPLINE_EXTRACTOR_HTTP_HELD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buffer.h"
#include "common/wire/event.h"

/** What is kept back at most: bytes, and each event counts as some more of them. */
enum { HTTP_HELD_MOST = 128 * 1024, HTTP_HELD_EVENT = 64 };

/** Zeroed: nothing is held. */
struct http_held {
    struct buffer events; /* one struct http_held_event each, and a DATA event's bytes behind it */
    size_t cost;
};

struct http_held_event {
    bool is_gap;
    union {
        struct event_data data;
        struct event_gap gap;
    };
};

/** Copies an event; 0, ERR_LIMIT (it is not kept) or -ENOMEM. */
int http_held_add(struct http_held *held, const struct http_held_event *event);

/** Gives the event at `*at` (0 for the first one) and moves it to the next; false: no more. The
 *  event borrows its bytes from `held`. */
bool http_held_next(const struct http_held *held, size_t *at, struct http_held_event *event);

/** Gives the memory back. */
void http_held_free(struct http_held *held);

#endif
