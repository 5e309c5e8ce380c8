#include "stages/sink/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is written at once, from memory that the disk can take it from. */
enum { UNIT = 1024 * 1024, ALIGNMENT = 4096 };

struct writer {
    int file;
    bool past_cache; /* whole units go to the disk as they are */
    char *unit;
    size_t filled; /* bytes of it */
};

struct writer *writer_new(int directory, const char *name, int *error)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        *error = -ENOMEM;
        return NULL;
    }
    writer->past_cache = true;
    writer->unit = aligned_alloc(ALIGNMENT, UNIT);
    writer->file = openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (writer->unit && writer->file >= 0)
        return writer;
    *error = writer->unit ? -errno : -ENOMEM;
    writer_free(&writer);
    return NULL;
}

void writer_free(struct writer **writer)
{
    if (!*writer)
        return;
    if ((*writer)->file >= 0)
        close((*writer)->file);
    free((*writer)->unit);
    free(*writer);
    *writer = NULL;
}

/* The page cache would take a copy and fresh memory for it, which can cost more than printing the
 * text; and the disk must have it before it counts anyway. A file system that knows no such writes
 * refuses the first, or the flag. */
static bool go_past_cache(const struct writer *writer, bool past)
{
    return fcntl(writer->file, F_SETFL, past ? O_DIRECT : 0) == 0 && past;
}

static int write_unit(struct writer *writer)
{
    const char *at = writer->unit;
    size_t left = writer->filled;
    bool past = writer->past_cache && left == UNIT && go_past_cache(writer, true);
    writer->filled = 0;
    while (left) {
        ssize_t wrote = write(writer->file, at, left);
        bool refused = past && wrote < 0 && errno == EINVAL;
        if (wrote < 0 && errno != EINTR && !refused)
            return -errno;
        if (wrote > 0) {
            at += wrote;
            left -= (size_t)wrote;
        }
        if (refused || (past && wrote % ALIGNMENT)) /* from here on nothing is aligned */
            past = writer->past_cache = go_past_cache(writer, false);
    }
    if (past)
        go_past_cache(writer, false);
    return 0;
}

int writer_finish(struct writer *writer)
{
    return write_unit(writer);
}

int writer_put(struct writer *writer, const void *bytes, size_t length)
{
    const char *at = bytes;
    int error = 0;
    while (length && !error) {
        size_t room = UNIT - writer->filled, part = room < length ? room : length;
        memcpy(writer->unit + writer->filled, at, part);
        writer->filled += part;
        at += part;
        length -= part;
        if (writer->filled == UNIT)
            error = write_unit(writer);
    }
    return error;
}

int writer_file(int directory, const char *name, const void *bytes, size_t length)
{
    int error = 0;
    struct writer *writer = writer_new(directory, name, &error);
    if (!writer)
        return error;
    error = writer_put(writer, bytes, length);
    if (!error)
        error = writer_finish(writer);
    writer_free(&writer);
    return error;
}
