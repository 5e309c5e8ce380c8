#include "stages/sink/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* What is written at once, from memory that the disk can take it from; and what may come at once
 * beyond that before other memory is needed. */
enum { UNIT = 1024 * 1024, ROOM = 512 * 1024, ALIGNMENT = 4096 };

struct writer {
    int file;
    bool past_cache; /* whole units go to the disk as they are */
    struct buffer text;
};

static void give_back(struct lender *lender, uint8_t *bytes)
{
    (void)lender;
    free(bytes);
}

/* Of the memory that the texts begin with; one that outgrows it goes the usual way. */
static struct lender aligned = {give_back};

struct writer *writer_new(int directory, const char *name, int *error)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        *error = -ENOMEM;
        return NULL;
    }
    writer->past_cache = true;
    writer->text.bytes = aligned_alloc(ALIGNMENT, UNIT + ROOM);
    writer->text.size = writer->text.bytes ? UNIT + ROOM : 0;
    writer->text.lender = &aligned;
    writer->file = openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (writer->text.bytes && writer->file >= 0)
        return writer;
    *error = writer->text.bytes ? -errno : -ENOMEM;
    writer_free(&writer);
    return NULL;
}

void writer_free(struct writer **writer)
{
    if (!*writer)
        return;
    if ((*writer)->file >= 0)
        close((*writer)->file);
    buffer_free(&(*writer)->text);
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

static bool is_aligned(const void *bytes, size_t length)
{
    return (uintptr_t)bytes % ALIGNMENT == 0 && length % ALIGNMENT == 0;
}

/* Writes so many bytes of the text. */
static int write_first(struct writer *writer, size_t length)
{
    const uint8_t *at = writer->text.bytes;
    size_t left = length;
    bool past = writer->past_cache && is_aligned(at, length) && go_past_cache(writer, true);
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
    buffer_consume(&writer->text, length);
    return 0;
}

struct buffer *writer_text(struct writer *writer)
{
    return &writer->text;
}

int writer_go_on(struct writer *writer)
{
    size_t whole = writer->text.length / UNIT * UNIT;
    if (writer->text.failed)
        return -ENOMEM;
    return whole ? write_first(writer, whole) : 0;
}

int writer_finish(struct writer *writer)
{
    return writer->text.failed ? -ENOMEM : write_first(writer, writer->text.length);
}

int writer_file(int directory, const char *name, const void *bytes, size_t length)
{
    int error = 0;
    struct writer *writer = writer_new(directory, name, &error);
    if (!writer)
        return error;
    buffer_append(&writer->text, bytes, length);
    error = writer_finish(writer);
    writer_free(&writer);
    return error;
}
