#include "stages/sink/shelf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/base/error.h"

enum { LARGEST_PIECE = 256 * 1024 };

struct piece {
    struct piece *before; /* the one that was made before it */
    struct piece *spare;  /* the next of those that are empty */
    size_t used;          /* bytes */
    size_t kept;          /* things */
    uint64_t bytes[];
};

struct thing {
    struct piece *piece; /* where it lies */
    uint64_t room[];
};

struct shelf {
    size_t piece_size;
    size_t pieces_left;    /* may still be made */
    struct piece *newest;  /* and by way of it all */
    struct piece *filling; /* NULL: none yet */
    struct piece *spare;   /* empty, and not the one that is being filled */
};

struct shelf *shelf_new(size_t memory)
{
    struct shelf *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    size_t share = memory < LARGEST_PIECE ? memory : LARGEST_PIECE;
    s->piece_size = share > sizeof(struct piece) ? share - sizeof(struct piece) : 0;
    s->pieces_left = share ? memory / share : 0;
    return s;
}

void shelf_free(struct shelf **shelf)
{
    if (!*shelf)
        return;
    for (struct piece *piece = (*shelf)->newest, *before; piece; piece = before) {
        before = piece->before;
        free(piece);
    }
    free(*shelf);
    *shelf = NULL;
}

static int make_piece(struct shelf *s)
{
    if (!s->pieces_left)
        return ERR_LIMIT;
    struct piece *piece = malloc(sizeof *piece + s->piece_size);
    if (!piece)
        return -ENOMEM;
    *piece = (struct piece){.before = s->newest};
    s->newest = s->spare = piece;
    s->pieces_left--;
    return 0;
}

/* Begins to fill an empty piece; the one before will be spare when all of it was given back. */
static int turn_to_next(struct shelf *s)
{
    int error = s->spare ? 0 : make_piece(s);
    if (error)
        return error;
    s->filling = s->spare;
    s->spare = s->filling->spare;
    s->filling->used = 0;
    return 0;
}

void *shelf_take(struct shelf *s, size_t size, int *error)
{
    size_t words = size / sizeof(uint64_t) + 1;
    size_t need = sizeof(struct thing) + words * sizeof(uint64_t);
    *error = size > s->piece_size || need > s->piece_size ? ERR_LIMIT : 0;
    if (!*error && (!s->filling || s->piece_size - s->filling->used < need))
        *error = turn_to_next(s);
    if (*error)
        return NULL;
    struct piece *piece = s->filling;
    struct thing *thing = (struct thing *)(void *)((uint8_t *)piece->bytes + piece->used);
    thing->piece = piece;
    piece->used += need;
    piece->kept++;
    return thing->room;
}

void shelf_give_back(struct shelf *s, void *room)
{
    struct thing *thing = (struct thing *)(void *)((uint8_t *)room - sizeof *thing);
    struct piece *piece = thing->piece;
    if (--piece->kept)
        return;
    if (piece == s->filling) {
        piece->used = 0;
        return;
    }
    piece->spare = s->spare;
    s->spare = piece;
}
