#include "stages/reader/window.h"

#include <errno.h>

#include "common/base/error.h"

int window_fill(struct window *window, size_t length)
{
    struct buffer *bytes = &window->bytes;
    buffer_consume(bytes, window->at);
    window->at = 0;
    while (bytes->length < length) {
        uint8_t *room = buffer_reserve(bytes, INFLATE_CHUNK);
        if (!room)
            return -ENOMEM;
        ssize_t got = inflate_read(window->input, room, INFLATE_CHUNK);
        if (got == 0)
            return ERR_EOF;
        if (got < 0)
            return (int)got;
        bytes->length += (size_t)got;
    }
    return 0;
}

void window_free(struct window *window)
{
    buffer_free(&window->bytes);
}
