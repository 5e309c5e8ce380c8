#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/bus/keys.h"

enum { FILE_MAX = 1024 };

/* Writes a file that must not be there yet. */
static int write_file(const char *path, mode_t mode, const char *text)
{
    size_t length = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    ssize_t wrote = write(fd, text, length);
    int error = wrote == (ssize_t)length ? 0 : wrote < 0 ? -errno : -ENOSPC;
    if (close(fd) != 0 && !error)
        error = -errno;
    if (error)
        unlink(path);
    return error;
}

static int cannot(const char *path, int error)
{
    log_error("%s: cannot be written: %s", path, error_text(error));
    return error;
}

int keys_create(const char *path)
{
    char beside[PATH_MAX], text[FILE_MAX];
    struct keys keys;
    if (snprintf(beside, sizeof beside, "%s.pub", path) >= (int)sizeof beside)
        return cannot(path, -ENAMETOOLONG);
    if (zmq_curve_keypair(keys.public_key, keys.secret_key) != 0) {
        log_error("no keys can be made: %s", zmq_strerror(errno));
        return -errno;
    }
    snprintf(text, sizeof text, "public-key %s\nsecret-key %s\n", keys.public_key, keys.secret_key);
    int error = write_file(path, 0600, text);
    explicit_bzero(&keys.secret_key, sizeof keys.secret_key);
    if (error)
        return cannot(path, error);
    snprintf(text, sizeof text, "public-key %s\n", keys.public_key);
    error = write_file(beside, 0644, text);
    if (error) {
        unlink(path);
        return cannot(beside, error);
    }
    return 0;
}
