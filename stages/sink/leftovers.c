#include "stages/sink/leftovers.h"

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
#include "stages/sink/earlier.h"

enum { HOST_SIZE = 65, RANDOM_DIGITS = 16, REMEMBERED = 16, SECONDS_BETWEEN = 60 };

/* A directory that was looked at. */
struct looked {
    dev_t device;
    ino_t inode;
    time_t until; /* and needs not be looked at again until then; 0: none was */
};

struct leftovers {
    struct looked list[REMEMBERED]; /* a ring */
    unsigned next;
};

struct leftovers *leftovers_new(void)
{
    return calloc(1, sizeof(struct leftovers));
}

void leftovers_free(struct leftovers **leftovers)
{
    free(*leftovers);
    *leftovers = NULL;
}

void leftovers_prefix(char prefix[NAME_MAX + 1])
{
    char host[HOST_SIZE] = "";
    gethostname(host, sizeof host - 1);
    for (char *at = host; (at = strchr(at, '/'));)
        *at = '_';
    snprintf(prefix, NAME_MAX + 1, ".tapline-%s-", host);
}

int leftovers_name(const char *prefix, char name[NAME_MAX + 1])
{
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        return -errno;
    snprintf(name, NAME_MAX + 1, "%.*s%016" PRIx64, NAME_MAX - RANDOM_DIGITS, prefix, number);
    return 0;
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

static void remove_all(int parent, const char *prefix)
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

/* Is it due? Then it counts as done. */
static bool due(struct leftovers *leftovers, int directory)
{
    struct stat status;
    struct timespec now;
    if (!leftovers || fstat(directory, &status) != 0 || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return true;
    struct looked *at = NULL;
    for (unsigned i = 0; i < REMEMBERED && !at; i++)
        if (leftovers->list[i].until && leftovers->list[i].device == status.st_dev &&
            leftovers->list[i].inode == status.st_ino)
            at = &leftovers->list[i];
    if (at && now.tv_sec < at->until)
        return false;
    if (!at)
        at = &leftovers->list[leftovers->next++ % REMEMBERED];
    *at = (struct looked){status.st_dev, status.st_ino, now.tv_sec + SECONDS_BETWEEN};
    return true;
}

void leftovers_remove(struct leftovers *leftovers, int directory, const char *prefix)
{
    if (due(leftovers, directory))
        remove_all(directory, prefix);
}
