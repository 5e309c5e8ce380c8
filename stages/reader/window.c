#include "stages/reader/window.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

static void give_back(struct window *window)
{
    bool piece = window->memory && window->room == ORIGINAL_PIECE;
    if (window->bytes && piece)
        window->memory->give(window->memory->context, window->bytes);
    else
        free(window->bytes);
    window->bytes = NULL;
}

static uint8_t *take_room(struct window *window, size_t room, int *error)
{
    if (window->memory && room == ORIGINAL_PIECE)
        return window->memory->take(window->memory->context, error);
    uint8_t *bytes = malloc(room);
    *error = bytes ? 0 : -ENOMEM;
    return bytes;
}

/* Goes on, with what was not passed yet, at the beginning of memory that has room for so much. */
static int move(struct window *window, size_t length)
{
    int error = 0;
    size_t room = ORIGINAL_PIECE, left = window_left(window);
    while (room < length)
        room *= 2;
    /* Others may still read what they were given; its own memory nobody has. */
    bool stays = window->room == room && !window->memory;
    uint8_t *bytes = stays ? window->bytes : take_room(window, room, &error);
    if (!bytes)
        return error;
    if (left)
        memmove(bytes, window->bytes + window->at, left);
    if (!stays)
        give_back(window);
    window->before += window->at;
    window->bytes = bytes;
    window->room = room;
    window->length = left;
    window->at = 0;
    return 0;
}

int window_fill(struct window *window, size_t length)
{
    int error = window->room - window->at < length ? move(window, length) : 0;
    while (!error && window_left(window) < length) {
        size_t room = window->room - window->length;
        ssize_t got = inflate_read(window->input, window->bytes + window->length,
                                   room < INFLATE_CHUNK ? room : INFLATE_CHUNK);
        window->length += got > 0 ? (size_t)got : 0;
        error = got > 0 ? 0 : got < 0 ? (int)got : ERR_EOF;
    }
    return error;
}

void window_free(struct window *window)
{
    give_back(window);
}
