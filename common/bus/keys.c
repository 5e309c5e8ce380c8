#include "common/bus/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/error.h"
#include "common/base/log.h"

enum { KEY_BYTES = 32, FILE_MAX = 1024 };

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

static int cannot(const char *path, const char *what, int error)
{
    log_error("%s: %s: %s", path, what, error_text(error));
    return error;
}

int keys_create(const char *path)
{
    char beside[PATH_MAX], text[FILE_MAX];
    struct keys keys;
    if (snprintf(beside, sizeof beside, "%s.pub", path) >= (int)sizeof beside)
        return cannot(path, "cannot be written", -ENAMETOOLONG);
    if (zmq_curve_keypair(keys.public_key, keys.secret_key) != 0)
        return cannot(path, "no keys can be made", -errno);
    snprintf(text, sizeof text, "public-key %s\nsecret-key %s\n", keys.public_key, keys.secret_key);
    int error = write_file(path, 0600, text);
    explicit_bzero(&keys.secret_key, sizeof keys.secret_key);
    if (error)
        return cannot(path, "cannot be written", error);
    snprintf(text, sizeof text, "public-key %s\n", keys.public_key);
    error = write_file(beside, 0644, text);
    if (error) {
        unlink(path);
        return cannot(beside, "cannot be written", error);
    }
    return 0;
}

static int read_file(const char *path, char text[FILE_MAX], struct stat *status)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = fstat(fd, status) == 0 ? 0 : -errno;
    ssize_t length = error ? 0 : read(fd, text, FILE_MAX - 1);
    if (length < 0)
        error = -errno;
    text[error ? 0 : length] = '\0';
    close(fd);
    return error;
}

/* The key behind a word at the beginning of a line. */
static bool find_key(const char *text, const char *word, char key[PRESENCE_KEY])
{
    uint8_t bytes[KEY_BYTES];
    size_t length = strlen(word);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, length) != 0)
            continue;
        snprintf(key, PRESENCE_KEY, "%.*s", (int)strcspn(line + length, " \t\r\n"), line + length);
        return strlen(key) == PRESENCE_KEY - 1 && zmq_z85_decode(bytes, key);
    }
    return false;
}

int keys_read_public(const char *path, char key[PRESENCE_KEY])
{
    char text[FILE_MAX];
    struct stat status;
    int error = read_file(path, text, &status);
    if (!error && !find_key(text, "public-key ", key))
        error = ERR_USAGE;
    explicit_bzero(text, sizeof text); /* it may be the file of both */
    return error;
}

int keys_read(const char *path, struct keys *keys)
{
    char text[FILE_MAX], derived[PRESENCE_KEY];
    struct stat status;
    int error = read_file(path, text, &status);
    if (error)
        return cannot(path, "cannot be read", error);
    bool good = find_key(text, "public-key ", keys->public_key) &&
                find_key(text, "secret-key ", keys->secret_key) &&
                zmq_curve_public(derived, keys->secret_key) == 0 &&
                strcmp(derived, keys->public_key) == 0;
    explicit_bzero(text, sizeof text);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        log_error("%s: others may read this secret key: chmod 600 it, or make a new one", path);
    else if (!good)
        log_error("%s: holds no secret key as `tapline keys new` makes it", path);
    return good && !(status.st_mode & (S_IRWXG | S_IRWXO)) ? 0 : ERR_USAGE;
}
