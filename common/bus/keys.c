#include "common/bus/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/error.h"

enum { KEY_BYTES = 32, FILE_MAX = 1024 };

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
        return error;
    bool good = find_key(text, "public-key ", keys->public_key) &&
                find_key(text, "secret-key ", keys->secret_key) &&
                zmq_curve_public(derived, keys->secret_key) == 0 &&
                strcmp(derived, keys->public_key) == 0;
    explicit_bzero(text, sizeof text);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return -EPERM;
    return good ? 0 : ERR_USAGE;
}

const char *keys_fault(int error)
{
    if (error == -EPERM)
        return "others may read this secret key: chmod 600 it, or make a new one";
    if (error == ERR_USAGE)
        return "holds no such key as `tapline keys new` makes";
    return error_text(error);
}
