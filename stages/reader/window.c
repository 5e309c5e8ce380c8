#include "stages/reader/window.h"

#include <errno.h>

#include "common/base/error.h"

/* So much of what is mapped is gone through before what was passed is let go. */
enum { PIECE = 4 * MAPPING_PIECE };

/* Goes on to the next piece of the mapping. ERR_EOF: it does not reach so far. */
static int move_on(struct window *window, const struct mapping *mapping, size_t length)
{
    size_t left = mapping_size(mapping) - window->at;
    size_t piece = length > PIECE ? length : PIECE;
    if (length > left)
        return ERR_EOF;
    window->bytes = mapping_bytes(mapping);
    window->length = window->at + (piece < left ? piece : left);
    inflate_pass(window->input, window->at, window->length);
    return 0;
}

/* Behind the mapping stands what the file has grown by since: that is read. */
static void leave(struct window *window, const struct mapping *mapping)
{
    size_t size = mapping_size(mapping);
    buffer_append(&window->read, mapping_bytes(mapping) + window->at, size - window->at);
    inflate_pass(window->input, size, size);
    window->before = window->at;
    window->at = window->fetched = 0;
    window->unmapped = true;
}

static int read_on(struct window *window, size_t length)
{
    struct buffer *read = &window->read;
    int error = 0;
    buffer_consume(read, window->at);
    window->before += window->at;
    window->at = window->fetched = 0;
    while (read->length < length && !error) {
        uint8_t *room = buffer_reserve(read, INFLATE_CHUNK);
        ssize_t got = room ? inflate_read(window->input, room, INFLATE_CHUNK) : -ENOMEM;
        read->length += got > 0 ? (size_t)got : 0;
        error = got > 0 ? 0 : got < 0 ? (int)got : ERR_EOF;
    }
    window->bytes = read->bytes;
    window->length = read->length;
    return error;
}

int window_fill(struct window *window, size_t length)
{
    const struct mapping *mapping = window->unmapped ? NULL : inflate_mapped(window->input);
    if (mapping && move_on(window, mapping, length) == 0)
        return 0;
    if (mapping)
        leave(window, mapping);
    return read_on(window, length);
}

void window_free(struct window *window)
{
    buffer_free(&window->read);
}
