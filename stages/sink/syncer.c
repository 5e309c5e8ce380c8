#include "stages/sink/syncer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/sink/thread.h"

/* With more files than this, one sync of the file system costs less than one of each. */
enum { FILES_APART = 64, LEVELS = 2 };

enum step { RESTING, QUEUED, UNDER_WAY };

/* Each has its own thread: a place is certain soon, and is not to wait while results are synced,
 * which may take long, nor those for what others have written so far. */
enum purpose { AHEAD, RESULTS, PLACES, PURPOSES };

struct syncing {
    struct syncer *syncer; /* NULL: there is none */
    struct syncing *next;  /* in the queue, then in the group */
    int directory;
    int parent;
    struct stat status; /* of the parent */
    bool apart;         /* each file needs a sync of its own there */
    uint64_t serial;    /* by when it was made */
    enum purpose purpose;
    enum step step;
    bool then_all;  /* the results are to be synced behind this */
    bool forgotten; /* freed by the thread */
    int outcome;
};

/* A thread and its queue, all of which it takes as a group. */
struct lane {
    struct syncer *syncer;
    pthread_t thread;
    pthread_cond_t wake;
    struct syncing *queue;
};

struct syncer {
    pthread_mutex_t mutex; /* over all that follows, and over the syncings */
    struct lane lanes[PURPOSES];
    uint64_t serials;
    bool ending;
    int event;
};

/* ---- syncing ------------------------------------------------------------------------------ */

/* Through a directory. What cannot be opened ahead may be gone by now, or can be later. */
struct walk {
    bool ahead;
    int left; /* how many files are synced apart at most */
};

static int not_opened(const struct walk *walk)
{
    return walk->ahead ? 0 : -errno;
}

/* A directory's entries; where a file system has no such thing as syncing them, they are safe. */
static int sync_entries(int directory)
{
    return fsync(directory) == 0 || errno == EINVAL ? 0 : -errno;
}

static int sync_within(int directory, int levels, struct walk *walk);

/* An empty file is all there when its name is. */
static int sync_one(int directory, const char *name, int levels, struct walk *walk)
{
    struct stat status;
    int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), error = 0;
    if (file < 0 || fstat(file, &status) != 0)
        error = not_opened(walk);
    else if (S_ISDIR(status.st_mode) && levels)
        error = sync_within(file, levels, walk);
    else if (S_ISREG(status.st_mode) && status.st_size && --walk->left < 0)
        error = ERR_LIMIT;
    else if (S_ISREG(status.st_mode) && status.st_size && fsync(file) != 0)
        error = -errno;
    if (file >= 0)
        close(file);
    return error;
}

/* Everything within a directory, so many levels deep. ERR_LIMIT: that is more files than are left.
 */
static int sync_within(int directory, int levels, struct walk *walk)
{
    int error = 0, own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = own < 0 ? NULL : fdopendir(own);
    if (!list) {
        error = not_opened(walk);
        if (own >= 0)
            close(own);
        return error;
    }
    const struct dirent *entry;
    while (!error && (errno = 0, entry = readdir(list)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            error = sync_one(directory, entry->d_name, levels - 1, walk);
    if (!error && errno)
        error = not_opened(walk);
    closedir(list);
    return error ? error : sync_entries(directory);
}

/* Of these, syncfs() has the dirty pages written, but does not have the other side sync them. */
static bool needs_files_apart(int directory)
{
    struct statfs status;
    if (fstatfs(directory, &status) != 0)
        return true;
    switch ((uint32_t)status.f_type) {
    case FUSE_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case V9FS_MAGIC: return true;
    default: return false;
    }
}

/* What else was written to its file system has to wait less for this than for all of it. */
static int sync_alone(const struct syncing *syncing)
{
    struct walk walk = {syncing->purpose == AHEAD, syncing->apart ? INT_MAX : FILES_APART};
    if (syncing->purpose == PLACES)
        return sync_entries(syncing->parent);
    int error = sync_within(syncing->directory, LEVELS, &walk);
    if (error == ERR_LIMIT)
        error = syncfs(syncing->directory) == 0 ? 0 : -errno;
    return error;
}

/* Does what syncs the one sync the other as well? Places do in the same directory, results on the
 * same file system. */
static bool goes_along(const struct syncing *one, const struct syncing *other)
{
    if (other->outcome != ERR_AGAIN || other->status.st_dev != one->status.st_dev)
        return false;
    return one->purpose == PLACES ? other->status.st_ino == one->status.st_ino : !one->apart;
}

/* Does the first of a group that is not done yet, with all behind it that go along. A descriptor
 * tells of failures since it was opened, so the oldest one speaks for all. */
static void sync_together(struct syncing *first)
{
    const struct syncing *oldest = first;
    bool alone = true;
    for (struct syncing *other = first->next; other; other = other->next)
        if (goes_along(first, other)) {
            oldest = other->serial < oldest->serial ? other : oldest;
            alone = false;
        }
    int outcome;
    if (alone || first->purpose == PLACES)
        outcome = sync_alone(oldest);
    else
        outcome = syncfs(oldest->directory) == 0 ? 0 : -errno;
    for (struct syncing *other = first->next; other; other = other->next)
        if (goes_along(first, other))
            other->outcome = outcome;
    first->outcome = outcome;
}

/* ---- the threads -------------------------------------------------------------------------- */

static void release(struct syncing *syncing)
{
    if (syncing->directory >= 0)
        close(syncing->directory);
    if (syncing->parent >= 0)
        close(syncing->parent);
    free(syncing);
}

static void queue(struct syncing *syncing, enum purpose purpose)
{
    struct lane *lane = &syncing->syncer->lanes[purpose];
    syncing->purpose = purpose;
    syncing->step = QUEUED;
    syncing->outcome = ERR_AGAIN;
    syncing->then_all = false;
    syncing->next = lane->queue;
    lane->queue = syncing;
    pthread_cond_signal(&lane->wake);
}

static void settle(struct syncing *group)
{
    while (group) {
        struct syncing *next = group->next;
        group->step = RESTING;
        if (group->forgotten)
            release(group);
        else if (group->then_all && !group->outcome)
            queue(group, RESULTS);
        group = next;
    }
}

static void *run(void *context)
{
    struct lane *lane = context;
    struct syncer *syncer = lane->syncer;
    pthread_mutex_lock(&syncer->mutex);
    while (!syncer->ending) {
        struct syncing *group = lane->queue;
        if (!group) {
            pthread_cond_wait(&lane->wake, &syncer->mutex);
            continue;
        }
        lane->queue = NULL;
        for (struct syncing *one = group; one; one = one->next)
            one->step = UNDER_WAY;
        pthread_mutex_unlock(&syncer->mutex);
        for (struct syncing *one = group; one; one = one->next)
            if (one->outcome == ERR_AGAIN)
                sync_together(one);
        pthread_mutex_lock(&syncer->mutex);
        settle(group);
        eventfd_write(syncer->event, 1);
    }
    pthread_mutex_unlock(&syncer->mutex);
    return NULL;
}

static int start(struct syncer *syncer, struct lane *lane)
{
    lane->syncer = syncer;
    pthread_cond_init(&lane->wake, NULL);
    return thread_start(&lane->thread, run, lane);
}

/* Ends so many lanes that were started, and the rest. */
static void end(struct syncer *syncer, int lanes)
{
    pthread_mutex_lock(&syncer->mutex);
    syncer->ending = true;
    for (int i = 0; i < lanes; i++)
        pthread_cond_signal(&syncer->lanes[i].wake);
    pthread_mutex_unlock(&syncer->mutex);
    for (int i = 0; i < lanes; i++)
        pthread_join(syncer->lanes[i].thread, NULL);
    if (syncer->event >= 0)
        close(syncer->event);
    free(syncer);
}

struct syncer *syncer_new(int *error)
{
    struct syncer *syncer = calloc(1, sizeof *syncer);
    int lanes = 0;
    *error = -ENOMEM;
    if (!syncer)
        return NULL;
    pthread_mutex_init(&syncer->mutex, NULL);
    syncer->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *error = syncer->event < 0 ? -errno : 0;
    while (!*error && lanes < PURPOSES) {
        *error = start(syncer, &syncer->lanes[lanes]);
        lanes += !*error;
    }
    if (!*error)
        return syncer;
    end(syncer, lanes);
    return NULL;
}

int syncer_descriptor(const struct syncer *syncer)
{
    return syncer->event;
}

void syncer_heard(struct syncer *syncer)
{
    eventfd_t count;
    eventfd_read(syncer->event, &count);
}

void syncer_free(struct syncer **syncer)
{
    if (*syncer)
        end(*syncer, PURPOSES);
    *syncer = NULL;
}

/* ---- one capture's ------------------------------------------------------------------------ */

struct syncing *syncing_new(struct syncer *syncer, int directory, int parent, int *error)
{
    struct syncing *syncing = calloc(1, sizeof *syncing);
    *error = -ENOMEM;
    if (!syncing)
        return NULL;
    /* An open file of its own, and not a copy: failures are noticed for each open file. */
    syncing->directory = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    syncing->parent = fcntl(parent, F_DUPFD_CLOEXEC, 0);
    bool opened = syncing->directory >= 0 && syncing->parent >= 0;
    *error = opened && fstat(syncing->parent, &syncing->status) == 0 ? 0 : -errno;
    if (*error) {
        release(syncing);
        return NULL;
    }
    syncing->apart = needs_files_apart(syncing->directory);
    syncing->syncer = syncer;
    if (!syncer)
        return syncing;
    pthread_mutex_lock(&syncer->mutex);
    syncing->serial = syncer->serials++;
    pthread_mutex_unlock(&syncer->mutex);
    return syncing;
}

/* Behind what was begun ahead. What failed has failed for good: the system tells of it once. */
static void begin(struct syncing *syncing, enum purpose purpose)
{
    pthread_mutex_lock(&syncing->syncer->mutex);
    if (syncing->step != RESTING)
        syncing->then_all |= purpose == RESULTS;
    else if (!syncing->outcome)
        queue(syncing, purpose);
    pthread_mutex_unlock(&syncing->syncer->mutex);
}

static void begin_or_do(struct syncing *syncing, enum purpose purpose)
{
    if (syncing->syncer) {
        begin(syncing, purpose);
        return;
    }
    syncing->purpose = purpose;
    syncing->outcome = sync_alone(syncing);
}

void syncing_ahead(struct syncing *syncing)
{
    if (syncing->syncer)
        begin(syncing, AHEAD);
}

void syncing_results(struct syncing *syncing)
{
    begin_or_do(syncing, RESULTS);
}

void syncing_place(struct syncing *syncing)
{
    begin_or_do(syncing, PLACES);
}

int syncing_outcome(const struct syncing *syncing)
{
    struct syncer *syncer = syncing->syncer;
    if (!syncer)
        return syncing->outcome;
    pthread_mutex_lock(&syncer->mutex);
    int outcome = syncing->step == RESTING ? syncing->outcome : ERR_AGAIN;
    pthread_mutex_unlock(&syncer->mutex);
    return outcome;
}

/* One that waits is taken out; one that is under way is the thread's. */
void syncing_free(struct syncing **syncing)
{
    struct syncing *own = *syncing;
    *syncing = NULL;
    if (!own)
        return;
    bool under_way = false;
    if (own->syncer) {
        pthread_mutex_lock(&own->syncer->mutex);
        struct syncing **at = &own->syncer->lanes[own->purpose].queue;
        while (*at && *at != own)
            at = &(*at)->next;
        if (*at)
            *at = own->next;
        under_way = own->forgotten = own->step == UNDER_WAY;
        pthread_mutex_unlock(&own->syncer->mutex);
    }
    if (!under_way)
        release(own);
}
