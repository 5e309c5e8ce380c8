#include "stages/sink/publication.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "stages/sink/destination.h"
#include "stages/sink/earlier.h"

enum { HOST_SIZE = 65, LOCK_TRIES = 1000, LOCK_PAUSE_NS = 10 * 1000 * 1000, RANDOM_DIGITS = 16 };

struct publication {
    struct destination to;
    char staging[NAME_MAX + 1]; /* the hidden directory's name, beside OUT */
    int directory;              /* it, open and locked for as long as we live; -1: not made */
    bool published;
};

/* Hidden directories begin like this. The host is named, as a lock may not reach beyond it. */
static void staging_prefix(char prefix[NAME_MAX + 1])
{
    char host[HOST_SIZE] = "";
    gethostname(host, sizeof host - 1);
    for (char *at = host; (at = strchr(at, '/'));)
        *at = '_';
    snprintf(prefix, NAME_MAX + 1, ".tapline-%s-", host);
}

/* Holds the directory against other sinks; they hold it for moments only. A file system without
 * locks does without. */
static int lock(int parent)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(parent, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR))
            return 0;
        nanosleep(&pause, NULL);
    }
    return -EWOULDBLOCK;
}

static void unlock(int parent)
{
    flock(parent, LOCK_UN);
}

/* Removes one hidden directory if nobody lives in it. */
static void sweep_one(int parent, const char *name)
{
    int left = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (left < 0)
        return;
    int error = flock(left, LOCK_EX | LOCK_NB) == 0 ? earlier_remove(parent, name) : 0;
    if (error)
        log_warning("%s was left by a sink that died, and cannot be removed: %s", name,
                    error_text(error));
    close(left);
}

/* Removes what sinks of this host left behind that died. Under the lock. */
static void sweep(int parent, const char *prefix)
{
    int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return;
    }
    const struct dirent *entry;
    size_t length = strlen(prefix);
    while ((entry = readdir(directory)))
        if (strncmp(entry->d_name, prefix, length) == 0 &&
            strspn(entry->d_name + length, "0123456789abcdef") == RANDOM_DIGITS &&
            strlen(entry->d_name) == length + RANDOM_DIGITS)
            sweep_one(parent, entry->d_name);
    closedir(directory);
}

static int make_staging(struct publication *p, const char *prefix)
{
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        return -errno;
    snprintf(p->staging, sizeof p->staging, "%.*s%016" PRIx64, NAME_MAX - RANDOM_DIGITS, prefix,
             number);
    if (mkdirat(p->to.parent, p->staging, 0777) != 0)
        return -errno;
    p->directory =
        openat(p->to.parent, p->staging, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (p->directory < 0) {
        int error = -errno;
        unlinkat(p->to.parent, p->staging, AT_REMOVEDIR);
        return error;
    }
    flock(p->directory, LOCK_EX | LOCK_NB);
    return 0;
}

static int locked_out(const struct publication *p, struct fault *fault)
{
    return fault_set(fault, ERR_OUTPUT,
                     "something keeps the directory of %s locked; see with fuser(1) what it is",
                     p->to.shown);
}

static int prepare(struct publication *p, struct fault *fault)
{
    char prefix[NAME_MAX + 1];
    staging_prefix(prefix);
    if (lock(p->to.parent) != 0)
        return locked_out(p, fault);
    sweep(p->to.parent, prefix);
    int error = 0;
    if (earlier_check(p->to.parent, p->to.name, p->to.shown, fault) == EARLIER_STRANGE)
        error = fault->error;
    else if ((error = make_staging(p, prefix)) != 0)
        error =
            fault_set(fault, ERR_OUTPUT,
                      "cannot make a directory beside %s: %s; it needs the right to write there",
                      p->to.shown, strerror(-error));
    unlock(p->to.parent);
    return error;
}

struct publication *publication_new(const char *root, struct slice out, struct fault *fault)
{
    struct publication *p = calloc(1, sizeof *p);
    if (!p) {
        fault_set(fault, -ENOMEM, "out of memory");
        return NULL;
    }
    p->directory = -1;
    int error = destination_open(&p->to, root, out, fault);
    if (!error)
        error = prepare(p, fault);
    if (error)
        publication_free(&p);
    return p;
}

int publication_directory(const struct publication *p)
{
    return p->directory;
}

const char *publication_shown(const struct publication *p)
{
    return p->to.shown;
}

int publication_replace(int parent, const char *new, const char *old, const char *aside)
{
    if (renameat(parent, old, parent, aside) != 0)
        return -errno;
    if (renameat(parent, new, parent, old) == 0)
        return 0;
    int error = -errno;
    renameat(parent, aside, parent, old);
    return error;
}

/* Earlier results keep a name until they are removed: afterwards they stand in `staging`. */
static int exchange(struct publication *p)
{
    int parent = p->to.parent;
    if (renameat2(parent, p->staging, parent, p->to.name, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return -errno;
    char aside[sizeof p->staging];
    snprintf(aside, sizeof aside, "%.*s-earlier", (int)(sizeof aside - sizeof "-earlier"),
             p->staging);
    int error = publication_replace(parent, p->staging, p->to.name, aside);
    if (!error && renameat(parent, aside, parent, p->staging) != 0)
        error = -errno;
    return error;
}

/* Whoever may look into OUT now may look into it afterwards. */
static void keep_mode(const struct publication *p)
{
    struct stat status;
    if (fstatat(p->to.parent, p->to.name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        fchmod(p->directory, status.st_mode & 07777) != 0)
        log_warning("%s: its access rights could not be kept: %s", p->to.shown, strerror(errno));
}

/* A directory's entries; where a file system has no such thing as syncing them, they are safe. */
static int sync_directory(int directory)
{
    return fsync(directory) == 0 || errno == EINVAL ? 0 : -errno;
}

static int swap(struct publication *p, enum earlier before, struct fault *fault)
{
    keep_mode(p);
    int error = sync_directory(p->directory);
    if (!error && before == EARLIER_RESULTS)
        error = exchange(p);
    else if (!error && renameat(p->to.parent, p->staging, p->to.parent, p->to.name) != 0)
        error = -errno;
    if (error)
        return fault_set(fault, ERR_OUTPUT, "cannot put the results in the place of %s: %s",
                         p->to.shown, strerror(-error));
    p->published = true;
    error = sync_directory(p->to.parent);
    if (error)
        return fault_set(fault, ERR_OUTPUT,
                         "the results are in %s, but may not outlive a loss of power: %s",
                         p->to.shown, strerror(-error));
    return 0;
}

int publication_publish(struct publication *p, struct fault *fault)
{
    if (lock(p->to.parent) != 0)
        return locked_out(p, fault);
    enum earlier before = earlier_check(p->to.parent, p->to.name, p->to.shown, fault);
    int error = before == EARLIER_STRANGE ? fault->error : swap(p, before, fault);
    unlock(p->to.parent);
    if (p->published && before == EARLIER_RESULTS && earlier_remove(p->to.parent, p->staging) != 0)
        log_warning("earlier results of %s could not be removed; what is left of them is in %s",
                    p->to.shown, p->staging);
    return error;
}

void publication_free(struct publication **publication)
{
    struct publication *p = *publication;
    if (!p)
        return;
    if (p->directory >= 0 && !p->published && earlier_remove(p->to.parent, p->staging) != 0)
        log_warning("%s could not be removed", p->staging);
    if (p->directory >= 0)
        close(p->directory);
    destination_close(&p->to);
    free(p);
    *publication = NULL;
}
