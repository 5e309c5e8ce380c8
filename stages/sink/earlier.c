#include "stages/sink/earlier.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/sink/layout.h"

static bool is_certificate(const char *name)
{
    size_t length = strlen(name), suffix = strlen(CERT_SUFFIX);
    return length > suffix && strcmp(name + length - suffix, CERT_SUFFIX) == 0;
}

static bool is_nothing(const char *name)
{
    (void)name;
    return false;
}

static bool is_result_file(const char *name)
{
    for (size_t i = 0; i < RECORD_FILES; i++)
        if (strcmp(name, RECORD_FILE_NAMES[i]) == 0)
            return true;
    return strcmp(name, TOTALS_FILE) == 0 || strcmp(name, LOGS_FILE) == 0 ||
           strcmp(name, LEDGER_FILE) == 0;
}

/* The directories within results, and the files that each may hold. */
static const struct {
    const char *name;
    bool (*holds)(const char *name);
} DIRECTORIES[] = {{CERT_DIRECTORY, is_certificate}, {SAVE_DIRECTORY, is_nothing}};

enum { DIRECTORY_COUNT = sizeof DIRECTORIES / sizeof DIRECTORIES[0] };

static bool is_result_directory(const char *name)
{
    for (size_t i = 0; i < DIRECTORY_COUNT; i++)
        if (strcmp(name, DIRECTORIES[i].name) == 0)
            return true;
    return false;
}

static DIR *open_directory(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !directory)
        close(fd);
    return directory;
}

/* The next entry but "." and ".."; NULL at the end. */
static const char *next_name(DIR *directory)
{
    const struct dirent *entry;
    while ((entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return entry->d_name;
    return NULL;
}

static bool is_type(DIR *directory, const char *name, mode_t type)
{
    struct stat status;
    return fstatat(dirfd(directory), name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           (status.st_mode & S_IFMT) == type;
}

/* Looks for an entry that does not belong; names it in `strange` ("directory/entry"). */
static bool find_strange_within(DIR *results, size_t index, char *strange, size_t size)
{
    DIR *directory = open_directory(dirfd(results), DIRECTORIES[index].name);
    const char *name = NULL;
    while (directory && (name = next_name(directory)))
        if (!DIRECTORIES[index].holds(name) || !is_type(directory, name, S_IFREG))
            break;
    if (name)
        snprintf(strange, size, "%s/%s", DIRECTORIES[index].name, name);
    if (directory)
        closedir(directory);
    return name != NULL;
}

static enum earlier check_entries(DIR *results, char *strange, size_t size)
{
    const char *name;
    bool ledger = false, any = false;
    while ((name = next_name(results))) {
        any = true;
        ledger = ledger || strcmp(name, LEDGER_FILE) == 0;
        bool file = is_result_file(name) && is_type(results, name, S_IFREG);
        bool directory = is_result_directory(name) && is_type(results, name, S_IFDIR);
        snprintf(strange, size, "%s", name);
        if (!file && !directory)
            return EARLIER_STRANGE;
    }
    if (!any)
        return EARLIER_EMPTY;
    for (size_t i = 0; i < DIRECTORY_COUNT; i++)
        if (find_strange_within(results, i, strange, size))
            return EARLIER_STRANGE;
    strange[0] = '\0';
    return ledger ? EARLIER_RESULTS : EARLIER_STRANGE;
}

/* Nothing can be put in a mount point's place. */
static bool is_mount_point(int parent, const char *name)
{
    struct statx status;
    return statx(parent, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &status) == 0 &&
           (status.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static enum earlier check_directory(int parent, const char *name, const char *shown,
                                    struct fault *fault)
{
    char strange[2 * NAME_MAX + 2];
    DIR *results = open_directory(parent, name);
    if (!results) {
        fault_set(fault, ERR_OUTPUT, "%s: cannot look into it: %s", shown, strerror(errno));
        return EARLIER_STRANGE;
    }
    enum earlier found = check_entries(results, strange, sizeof strange);
    closedir(results);
    if (found == EARLIER_STRANGE && strange[0])
        fault_set(fault, ERR_USAGE,
                  "%s holds \"%s\", which is no part of earlier results; name a directory that is "
                  "new, empty or holds results only",
                  shown, strange);
    else if (found == EARLIER_STRANGE)
        fault_set(fault, ERR_USAGE,
                  "%s holds files but no %s, so they are no finished results; remove them or name "
                  "another directory",
                  shown, LEDGER_FILE);
    return found;
}

enum earlier earlier_check(int parent, const char *name, const char *shown, struct fault *fault)
{
    struct stat status;
    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return EARLIER_ABSENT;
        fault_set(fault, ERR_OUTPUT, "%s: %s", shown, strerror(errno));
        return EARLIER_STRANGE;
    }
    if (!S_ISDIR(status.st_mode)) {
        fault_set(fault, ERR_USAGE, "%s is there and is no directory; name another", shown);
        return EARLIER_STRANGE;
    }
    if (is_mount_point(parent, name)) {
        fault_set(fault, ERR_USAGE,
                  "%s is a mount point, which finished results cannot take the place of; name a "
                  "directory within it, like %s/results",
                  shown, shown);
        return EARLIER_STRANGE;
    }
    return check_directory(parent, name, shown, fault);
}

/* Removes the directory's files that belong there, and then the directory. */
static int remove_directory(int parent, const char *name, bool (*holds)(const char *name))
{
    DIR *directory = open_directory(parent, name);
    if (!directory)
        return errno == ENOENT ? 0 : -errno;
    int error = 0;
    const char *entry;
    while ((entry = next_name(directory)))
        if (holds(entry) && unlinkat(dirfd(directory), entry, 0) != 0 && errno != ENOENT && !error)
            error = -errno;
    closedir(directory);
    if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT && !error)
        error = -errno;
    return error;
}

int earlier_remove(int parent, const char *name)
{
    int results = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (results < 0)
        return errno == ENOENT ? 0 : -errno;
    int error = 0;
    for (size_t i = 0; i < DIRECTORY_COUNT && !error; i++)
        error = remove_directory(results, DIRECTORIES[i].name, DIRECTORIES[i].holds);
    close(results);
    return error ? error : remove_directory(parent, name, is_result_file);
}
