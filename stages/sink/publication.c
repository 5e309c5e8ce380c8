#include "stages/sink/publication.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "stages/sink/destination.h"
#include "stages/sink/earlier.h"

enum { LOCK_TRIES = 1000, LOCK_PAUSE_NS = 10 * 1000 * 1000 };

struct publication {
    struct destination to;
    char staging[NAME_MAX + 1]; /* the hidden directory's name, beside OUT */
    int directory;              /* it, open and locked for as long as we live; -1: not made */
    bool placed;                /* it stands in OUT's place, */
    int earlier;                /* and earlier results, open and locked, in its own; -1: none */
};

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

/* Opens what stands under the hidden name, and says to others that somebody lives in it. */
static int open_locked(const struct publication *p)
{
    int directory =
        openat(p->to.parent, p->staging, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory >= 0)
        flock(directory, LOCK_EX | LOCK_NB);
    return directory;
}

static int make_staging(struct publication *p, const char *prefix)
{
    int error = leftovers_name(prefix, p->staging);
    if (error)
        return error;
    if (mkdirat(p->to.parent, p->staging, 0777) != 0)
        return -errno;
    p->directory = open_locked(p);
    if (p->directory < 0) {
        error = -errno;
        unlinkat(p->to.parent, p->staging, AT_REMOVEDIR);
        return error;
    }
    return 0;
}

static int locked_out(const struct publication *p, struct fault *fault)
{
    return fault_set(fault, ERR_OUTPUT,
                     "something keeps the directory of %s locked; see with fuser(1) what it is",
                     p->to.shown);
}

static int prepare(struct publication *p, struct leftovers *leftovers, struct fault *fault)
{
    char prefix[NAME_MAX + 1];
    leftovers_prefix(prefix);
    if (lock(p->to.parent) != 0)
        return locked_out(p, fault);
    leftovers_remove(leftovers, p->to.parent, prefix);
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

struct publication *publication_new(const char *root, struct slice out,
                                    struct leftovers *leftovers, struct fault *fault)
{
    struct publication *p = calloc(1, sizeof *p);
    if (!p) {
        fault_set(fault, -ENOMEM, "out of memory");
        return NULL;
    }
    p->directory = p->earlier = -1;
    int error = destination_open(&p->to, root, out, fault);
    if (!error)
        error = prepare(p, leftovers, fault);
    if (error)
        publication_free(&p);
    return p;
}

int publication_directory(const struct publication *p)
{
    return p->directory;
}

int publication_parent(const struct publication *p)
{
    return p->to.parent;
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
void publication_seal(struct publication *p)
{
    struct stat status;
    if (fstatat(p->to.parent, p->to.name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        fchmod(p->directory, status.st_mode & 07777) != 0)
        log_warning("%s: its access rights could not be kept: %s", p->to.shown, strerror(errno));
}

static int swap(struct publication *p, enum earlier before, struct fault *fault)
{
    int error = 0;
    if (before == EARLIER_RESULTS)
        error = exchange(p);
    else if (renameat(p->to.parent, p->staging, p->to.parent, p->to.name) != 0)
        error = -errno;
    if (error)
        return fault_set(fault, ERR_OUTPUT, "cannot put the results in the place of %s: %s",
                         p->to.shown, strerror(-error));
    p->placed = true;
    if (before == EARLIER_RESULTS)
        p->earlier = open_locked(p);
    return 0;
}

int publication_place(struct publication *p, struct fault *fault)
{
    if (lock(p->to.parent) != 0)
        return locked_out(p, fault);
    enum earlier before = earlier_check(p->to.parent, p->to.name, p->to.shown, fault);
    int error = before == EARLIER_STRANGE ? fault->error : swap(p, before, fault);
    unlock(p->to.parent);
    return error;
}

void publication_finish(struct publication *p)
{
    if (p->earlier < 0)
        return;
    if (earlier_remove(p->to.parent, p->staging) != 0)
        log_warning("earlier results of %s could not be removed; what is left of them is in %s",
                    p->to.shown, p->staging);
    close(p->earlier);
    p->earlier = -1;
}

/* Earlier results go only when it is certain that the new ones have their place. */
static void leave(struct publication *p)
{
    if (!p->placed && earlier_remove(p->to.parent, p->staging) != 0)
        log_warning("%s could not be removed", p->staging);
    if (p->earlier >= 0 && fsync(p->to.parent) == 0)
        publication_finish(p);
    if (p->earlier >= 0)
        close(p->earlier);
    close(p->directory);
}

void publication_free(struct publication **publication)
{
    struct publication *p = *publication;
    if (!p)
        return;
    if (p->directory >= 0)
        leave(p);
    destination_close(&p->to);
    free(p);
    *publication = NULL;
}
