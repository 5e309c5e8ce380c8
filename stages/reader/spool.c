#include "stages/reader/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct spool {
    const char *path;
    int from;      /* what is read */
    int kept;      /* the file that has what was read so far; -1: it could not be kept */
    uint64_t base; /* where the capture begins in that file */
    uint64_t end;  /* how much was kept; of a redirected file, no matter */
    bool redirected;
    struct spools *set;
    struct spool *next;
};

struct spools {
    const char *folder;
    struct spool *first;
    char fault[256];
};

struct spools *spools_new(const char *folder)
{
    struct spools *spools = calloc(1, sizeof *spools);
    if (!spools)
        return NULL;
    spools->folder = folder ? folder : getenv("TMPDIR");
    if (!spools->folder || !*spools->folder)
        spools->folder = "/tmp";
    return spools;
}

/* Reading goes on all the same: only what would be needed for another attempt is missing. */
static void cannot_keep(struct spool *spool)
{
    struct spools *set = spool->set;
    if (!set->fault[0])
        snprintf(set->fault, sizeof set->fault,
                 "cannot be kept in %s: %s (name another folder: --spool)", set->folder,
                 strerror(errno));
    if (spool->kept >= 0)
        close(spool->kept);
    spool->kept = -1;
}

static int unnamed_file(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/tapline-spool-XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static int open_spool(struct spool *spool)
{
    struct stat status;
    bool is_stdin = strcmp(spool->path, "-") == 0;
    spool->from = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                           : open(spool->path, O_RDONLY | O_CLOEXEC);
    if (spool->from < 0 || fstat(spool->from, &status) != 0)
        return -errno;
    spool->redirected = S_ISREG(status.st_mode);
    if (spool->redirected) {
        off_t at = lseek(spool->from, 0, SEEK_CUR);
        spool->base = at > 0 ? (uint64_t)at : 0;
        return 0;
    }
    spool->kept = unnamed_file(spool->set->folder);
    if (spool->kept < 0)
        cannot_keep(spool);
    return 0;
}

static struct spool *find(const struct spools *spools, const char *path)
{
    for (struct spool *spool = spools->first; spool; spool = spool->next)
        if (strcmp(spool->path, path) == 0)
            return spool;
    return NULL;
}

static void close_spool(struct spool *spool)
{
    if (spool->from >= 0)
        close(spool->from);
    if (spool->kept >= 0)
        close(spool->kept);
    free(spool);
}

struct spool *spools_open(struct spools *spools, const char *path, int *error)
{
    struct stat status;
    struct spool *spool = find(spools, path);
    *error = 0;
    if (spool)
        return spool;
    if (strcmp(path, "-") != 0) {
        if (stat(path, &status) != 0)
            *error = -errno;
        if (*error || S_ISREG(status.st_mode))
            return NULL;
    }
    spool = calloc(1, sizeof *spool);
    if (!spool) {
        *error = -ENOMEM;
        return NULL;
    }
    *spool = (struct spool){.path = path, .from = -1, .kept = -1, .set = spools};
    *error = open_spool(spool);
    if (*error) {
        close_spool(spool);
        return NULL;
    }
    spool->next = spools->first;
    spools->first = spool;
    return spool;
}

const char *spools_fault(const struct spools *spools)
{
    return spools->fault[0] ? spools->fault : NULL;
}

static void keep(struct spool *spool, const uint8_t *bytes, size_t length)
{
    for (size_t done = 0; spool->kept >= 0 && done < length;) {
        ssize_t wrote = pwrite(spool->kept, bytes + done, length - done,
                               (off_t)(spool->end + done));
        if (wrote > 0)
            done += (size_t)wrote;
        else if (wrote == 0 || errno != EINTR)
            cannot_keep(spool);
    }
    spool->end += length;
}

ssize_t spool_read(struct spool *spool, uint64_t offset, void *into, size_t size)
{
    ssize_t got;
    if (spool->redirected) {
        got = pread(spool->from, into, size, (off_t)(spool->base + offset));
    } else if (offset < spool->end) {
        uint64_t left = spool->end - offset;
        got = pread(spool->kept, into, left < size ? (size_t)left : size, (off_t)offset);
    } else {
        got = read(spool->from, into, size);
        if (got > 0)
            keep(spool, into, (size_t)got);
    }
    return got < 0 ? -errno : got;
}

int spool_descriptor(const struct spool *spool, uint64_t offset)
{
    return spool->redirected || offset < spool->end ? -1 : spool->from;
}

uint64_t spool_size(const struct spool *spool)
{
    struct stat status;
    if (!spool->redirected || fstat(spool->from, &status) != 0 ||
        (uint64_t)status.st_size <= spool->base)
        return 0;
    return (uint64_t)status.st_size - spool->base;
}

void spools_free(struct spools **spools)
{
    if (!*spools)
        return;
    while ((*spools)->first) {
        struct spool *spool = (*spools)->first;
        (*spools)->first = spool->next;
        close_spool(spool);
    }
    free(*spools);
    *spools = NULL;
}
