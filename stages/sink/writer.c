#include "stages/sink/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Every write but a file's last ends at a multiple of this: writes of any length, which meet within
 * a page, cost the kernel 40 % more. */
enum { UNIT = 64 * 1024 };

/* So much is on its way to the disk while the next is made, and is not waited for at the end. */
enum { WRITE_BEHIND = 8 * 1024 * 1024 };

struct writer {
    int file;
    off_t written;
    off_t on_its_way; /* of these */
    size_t waiting; /* less than a unit */
    char buffer[UNIT];
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

/* Passes over what of the parts is written. */
static void pass(struct iovec parts[2], size_t wrote)
{
    for (int i = 0; i < 2; i++) {
        size_t passed = wrote < parts[i].iov_len ? wrote : parts[i].iov_len;
        parts[i].iov_base = (char *)parts[i].iov_base + passed;
        parts[i].iov_len -= passed;
        wrote -= passed;
    }
}

/* Writes what waits, and these bytes behind it, of which no copy is made. */
static int write_all(struct writer *writer, const void *bytes, size_t length)
{
    struct iovec parts[2] = {{writer->buffer, writer->waiting}, {(void *)(uintptr_t)bytes, length}};
    writer->waiting = 0;
    while (parts[0].iov_len || parts[1].iov_len) {
        ssize_t wrote = writev(writer->file, parts, 2);
        if (wrote < 0 && errno != EINTR)
            return -errno;
        if (wrote > 0) {
            pass(parts, (size_t)wrote);
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
    return write_all(writer, NULL, 0);
}

int writer_put(struct writer *writer, const void *bytes, size_t length)
{
    size_t whole = (writer->waiting + length) / UNIT * UNIT;
    size_t first = whole ? whole - writer->waiting : 0; /* of the bytes: what makes units whole */
    int error = whole ? write_all(writer, bytes, first) : 0;
    if (!error && length > first) {
        memcpy(writer->buffer + writer->waiting, (const char *)bytes + first, length - first);
        writer->waiting += length - first;
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
