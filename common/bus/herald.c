#include "common/bus/herald.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "common/bus/link.h"
#include "common/wire/presence.h"

enum { TELL_WAITING = 16, TELL_MS = 100, ENDPOINT_MAX = 256 };

struct herald {
    const struct bus *bus;
    const struct capture *capture;
    struct link *link; /* to its control inbox, once something was told */
};

struct herald *herald_new(const struct bus *bus, const struct capture *capture)
{
    struct herald *herald = calloc(1, sizeof *herald);
    if (!herald)
        return NULL;
    herald->bus = bus;
    herald->capture = capture;
    return herald;
}

static int connect_to_reader(struct herald *herald)
{
    struct slice control = herald->capture->control, public_key = herald->capture->key;
    char endpoint[ENDPOINT_MAX], key[PRESENCE_KEY];
    int error = 0;
    snprintf(endpoint, sizeof endpoint, "%.*s", (int)control.length, (const char *)control.bytes);
    snprintf(key, sizeof key, "%.*s", (int)public_key.length, (const char *)public_key.bytes);
    herald->link = link_new(herald->bus, endpoint, key, TELL_WAITING, &error);
    return error;
}

int herald_tell(struct herald *herald, const struct message_head *head, const struct buffer *body)
{
    int error = herald->link ? 0 : connect_to_reader(herald);
    struct buffer message = {0};
    message_open(&message);
    buffer_append(&message, body->bytes, body->length);
    if (!error)
        error = link_flush(herald->link, 0);
    if (!error)
        error = link_send(herald->link, head, &message, TELL_MS);
    buffer_free(&message);
    return error == ERR_AGAIN ? ERR_LOST : error;
}

void herald_free(struct herald **herald)
{
    if (!*herald)
        return;
    link_free(&(*herald)->link, LINK_LINGER_MS);
    free(*herald);
    *herald = NULL;
}
