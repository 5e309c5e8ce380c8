#include "stages/sink/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "common/base/error.h"

enum { WRITE_BUFFER = 128 * 1024 };

struct spill {
    int file;
    uint64_t written;   /* bytes in the file */
    uint64_t run_start; /* of the run that is being written */
    struct buffer waiting;
};

/* A file system that makes no nameless files gets one whose name is taken away at once. */
static int open_nameless(int directory)
{
    int file = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return file;
    static const char name[] = ".spill";
    file = openat(directory, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0)
        unlinkat(directory, name, 0);
    return file;
}

struct spill *spill_new(int directory, int *error)
{
    struct spill *spill = calloc(1, sizeof *spill);
    if (!spill) {
        *error = -ENOMEM;
        return NULL;
    }
    spill->file = open_nameless(directory);
    if (spill->file < 0) {
        *error = -errno;
        free(spill);
        return NULL;
    }
    return spill;
}

void spill_free(struct spill **spill)
{
    if (!*spill)
        return;
    close((*spill)->file);
    buffer_free(&(*spill)->waiting);
    free(*spill);
    *spill = NULL;
}

static int write_waiting(struct spill *spill)
{
    const struct buffer *b = &spill->waiting;
    for (size_t done = 0; done < b->length;) {
        ssize_t wrote =
            pwrite(spill->file, b->bytes + done, b->length - done, (off_t)spill->written);
        if (wrote < 0 && errno != EINTR)
            return -errno;
        if (wrote > 0) {
            done += (size_t)wrote;
            spill->written += (uint64_t)wrote;
        }
    }
    buffer_clear(&spill->waiting);
    return 0;
}

int spill_put(struct spill *spill, const struct entry *entry)
{
    uint8_t head[ENTRY_HEAD];
    entry_store_head(entry, head);
    if (spill->waiting.length && spill->waiting.length + entry_size(entry) > WRITE_BUFFER) {
        int error = write_waiting(spill);
        if (error)
            return error;
    }
    buffer_append(&spill->waiting, head, sizeof head);
    buffer_append(&spill->waiting, entry->key, entry->key_length);
    return buffer_append(&spill->waiting, entry->value, entry->value_length);
}

int spill_end_run(struct spill *spill, struct run *run)
{
    int error = write_waiting(spill);
    *run = (struct run){spill, spill->run_start, spill->written};
    spill->run_start = spill->written;
    return error;
}

int spill_empty(struct spill *spill)
{
    spill->written = spill->run_start = 0;
    return ftruncate(spill->file, 0) == 0 ? 0 : -errno;
}

struct run_reader {
    struct run rest; /* what is not read yet */
    size_t step;     /* bytes read at a time */
    size_t passed;   /* bytes at the buffer's start that the caller has had */
    struct buffer buffer;
};

struct run_reader *run_reader_new(const struct run *run, size_t buffer)
{
    struct run_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->rest = *run;
    reader->step = buffer;
    if (!buffer_reserve(&reader->buffer, buffer))
        run_reader_free(&reader);
    return reader;
}

void run_reader_free(struct run_reader **reader)
{
    if (!*reader)
        return;
    buffer_free(&(*reader)->buffer);
    free(*reader);
    *reader = NULL;
}

static size_t unread(const struct run_reader *r)
{
    return r->buffer.length - r->passed;
}

/* Makes at least `need` bytes stand in the buffer. ERR_EOF where the run has no more. */
static int fill(struct run_reader *r, size_t need)
{
    buffer_consume(&r->buffer, r->passed);
    r->passed = 0;
    size_t room = need > r->step ? need : r->step;
    if (!buffer_reserve(&r->buffer, room - r->buffer.length))
        return -ENOMEM;
    while (r->buffer.length < need) {
        uint64_t left = r->rest.end - r->rest.start;
        if (!left)
            return ERR_EOF;
        size_t ask = room - r->buffer.length;
        ssize_t got = pread(r->rest.spill->file, r->buffer.bytes + r->buffer.length,
                            ask < left ? ask : (size_t)left, (off_t)r->rest.start);
        if (got == 0 || (got < 0 && errno != EINTR))
            return got ? -errno : -EIO;
        if (got > 0) {
            r->rest.start += (uint64_t)got;
            r->buffer.length += (size_t)got;
        }
    }
    return 0;
}

int run_reader_next(struct run_reader *r, struct entry *entry)
{
    int error = unread(r) < ENTRY_HEAD ? fill(r, ENTRY_HEAD) : 0;
    if (error)
        return error;
    size_t size;
    *entry = entry_at(r->buffer.bytes + r->passed);
    size = entry_size(entry);
    if (unread(r) < size) {
        error = fill(r, size);
        if (error)
            return error;
        *entry = entry_at(r->buffer.bytes);
    }
    r->passed += size;
    return 0;
}
