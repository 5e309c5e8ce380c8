#include "stages/sink/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is longer than the buffer is worth a call of its own, and not copied first. */
enum { WRITE_BUFFER = 64 * 1024 };

/* So much is on its way to the disk while the next is made, and is not waited for at the end. */
enum { WRITE_BEHIND = 8 * 1024 * 1024 };

struct writer {
    int file;
    off_t written;
    off_t on_its_way; /* of these */
    size_t waiting;
    char buffer[WRITE_BUFFER];
};

struct writer *writer_new(int directory, const char *name, int *error)
{
    struct writer *writer = malloc(sizeof *writer);
    if (!writer) {
        *error = -ENOMEM;
        return NULL;
    }
    writer->waiting = 0;
    writer->written = writer->on_its_way = 0;
    writer->file = openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (writer->file < 0) {
        *error = -errno;
        free(writer);
        return NULL;
    }
    return writer;
}

void writer_free(struct writer **writer)
{
    if (!*writer)
        return;
    close((*writer)->file);
    free(*writer);
    *writer = NULL;
}

static int write_all(struct writer *writer, const char *bytes, size_t length)
{
    while (length) {
        ssize_t wrote = write(writer->file, bytes, length);
        if (wrote < 0 && errno != EINTR)
            return -errno;
        if (wrote > 0) {
            bytes += wrote;
            length -= (size_t)wrote;
            writer->written += wrote;
        }
    }
    off_t behind = writer->written - writer->on_its_way;
    if (behind >= WRITE_BEHIND) {
        /* A file system that cannot do this does it all at the sync. */
        sync_file_range(writer->file, writer->on_its_way, behind, SYNC_FILE_RANGE_WRITE);
        writer->on_its_way = writer->written;
    }
    return 0;
}

int writer_finish(struct writer *writer)
{
    int error = write_all(writer, writer->buffer, writer->waiting);
    writer->waiting = 0;
    return error;
}

int writer_put(struct writer *writer, const void *bytes, size_t length)
{
    if (length > WRITE_BUFFER - writer->waiting) {
        int error = writer_finish(writer);
        if (error)
            return error;
    }
    if (length > WRITE_BUFFER)
        return write_all(writer, bytes, length);
    if (length)
        memcpy(writer->buffer + writer->waiting, bytes, length);
    writer->waiting += length;
    return 0;
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
