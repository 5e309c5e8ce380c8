#include "stages/sink/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Cuts the last component off a path without a slash at its end; where it begins. */
static const char *split(char *path, const char **parent)
{
    char *slash = strrchr(path, '/');
    if (!slash) {
        *parent = ".";
        return path;
    }
    *slash = '\0';
    *parent = slash == path ? "/" : path;
    return slash + 1;
}

static void strip_slashes(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
}

/* A directory below another one, made where it is missing. */
static int step_into(int directory, const char *name, int flags)
{
    flags |= O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int next = openat(directory, name, flags);
    if (next >= 0 || errno != ENOENT)
        return next;
    if (mkdirat(directory, name, 0777) != 0 && errno != EEXIST)
        return -1;
    return openat(directory, name, flags);
}

/* Opens the directory that the path leads to from `start`, making what is missing. Takes over
 * `start`; -1 with errno set. */
static int walk(int start, const char *path, int flags)
{
    char copy[PATH_MAX], *rest = copy, *name;
    strcpy(copy, path);
    int at = start;
    while (at >= 0 && (name = strsep(&rest, "/"))) {
        if (!*name || strcmp(name, ".") == 0)
            continue;
        int next = step_into(at, name, flags), error = errno;
        close(at);
        errno = error;
        at = next;
    }
    return at;
}

static int open_parent(struct destination *d, const char *root, const char *parent,
                       struct fault *fault)
{
    const char *start = root ? root : parent[0] == '/' ? "/" : ".";
    int first = open(start, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    d->parent = walk(first, parent, root ? O_NOFOLLOW : 0);
    if (d->parent >= 0)
        return 0;
    if (root && (errno == ELOOP || errno == ENOTDIR))
        return fault_set(fault, ERR_USAGE, "%s leads over something that is no directory of %s",
                         d->shown, root);
    return fault_set(fault, ERR_OUTPUT, "cannot make the directory of %s: %s", d->shown,
                     strerror(errno));
}

/* Below a root a path says where to go down, and nothing else. */
static int check_below(const char *path, const char *root, struct fault *fault)
{
    char copy[PATH_MAX], *rest = copy, *name;
    strcpy(copy, path);
    bool wrong = path[0] == '/';
    while (!wrong && (name = strsep(&rest, "/")))
        wrong = strcmp(name, "..") == 0;
    if (!wrong)
        return 0;
    return fault_set(fault, ERR_USAGE,
                     "%s: this sink writes below %s only; name a relative directory without \"..\"",
                     path, root);
}

/* Follows a link, and a path that ends with dots, to the directory that is meant. */
static int resolve(char path[PATH_MAX], struct fault *fault)
{
    struct stat status;
    const char *slash = strrchr(path, '/');
    bool link = lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
    if (!link && !is_dots(slash ? slash + 1 : path))
        return 0;
    char resolved[PATH_MAX];
    if (!realpath(path, resolved))
        return fault_set(fault, ERR_USAGE, "%s leads nowhere: %s; name a directory", path,
                         strerror(errno));
    strcpy(path, resolved);
    return 0;
}

int destination_open(struct destination *d, const char *root, struct slice out, struct fault *fault)
{
    char path[PATH_MAX];
    d->parent = -1;
    if (!out.length || out.length >= sizeof path || memchr(out.bytes, '\0', out.length))
        return fault_set(fault, ERR_USAGE, "the results' directory has no name, or too long a one");
    memcpy(path, out.bytes, out.length);
    path[out.length] = '\0';
    strcpy(d->shown, path);
    strip_slashes(path);
    int error = root ? check_below(path, root, fault) : resolve(path, fault);
    if (error)
        return error;
    const char *parent, *name = split(path, &parent);
    if (!*name || is_dots(name))
        return fault_set(fault, ERR_USAGE, "%s cannot be replaced; name a directory within it",
                         d->shown);
    if (strlen(name) > NAME_MAX)
        return fault_set(fault, ERR_USAGE, "%s is too long a name", d->shown);
    strcpy(d->name, name);
    return open_parent(d, root, parent, fault);
}

int destination_check_root(const char *root)
{
    int directory = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        log_error("%s: %s; --root names a directory that is there", root, strerror(errno));
        return ERR_USAGE;
    }
    close(directory);
    return 0;
}

void destination_close(struct destination *d)
{
    if (d->parent >= 0)
        close(d->parent);
    d->parent = -1;
}
