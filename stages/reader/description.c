#include "stages/reader/description.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/wire/pack.h"
#include "stages/reader/source.h"

enum { DOCUMENT_MAX = 1 << 20 };

const char *description_zone(void)
{
    static char target[PATH_MAX];
    const char *zone = getenv("TZ");
    if (zone)
        return zone;
    ssize_t length = readlink("/etc/localtime", target, sizeof target - 1);
    if (length > 0) {
        target[length] = '\0';
        const char *name = strstr(target, "/zoneinfo/");
        if (name)
            return name + strlen("/zoneinfo/");
    }
    return "UTC";
}

static bool is_file(const char *path, struct stat *status)
{
    return strcmp(path, "-") != 0 && stat(path, status) == 0 && S_ISREG(status->st_mode);
}

uint64_t description_size(const char *const *paths, size_t count)
{
    uint64_t size = 0;
    struct stat status;
    for (size_t i = 0; i < count; i++)
        size += is_file(paths[i], &status) ? (uint64_t)status.st_size : DESCRIPTION_UNKNOWN;
    return size;
}

int description_sources(struct buffer *to, const char *const *paths, size_t count)
{
    pack_array(to, count);
    for (size_t i = 0; i < count; i++) {
        struct stat status;
        const char *name = source_name(paths[i]);
        bool file = is_file(paths[i], &status);
        pack_map(to, 3);
        pack_str(to, "name");
        pack_text(to, name, strlen(name));
        pack_str(to, "size");
        if (file)
            pack_uint(to, (uint64_t)status.st_size);
        else
            pack_nil(to);
        pack_str(to, "mtime_ns");
        if (file)
            pack_int(to, (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec);
        else
            pack_nil(to);
    }
    return to->failed ? -ENOMEM : 0;
}

int description_read(struct buffer *to, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return -errno;
    int error = 0;
    while (!error && !feof(file)) {
        uint8_t *room = buffer_reserve(to, 4096);
        if (!room) {
            error = -ENOMEM;
            break;
        }
        to->length += fread(room, 1, 4096, file);
        if (ferror(file))
            error = -EIO;
        else if (to->length > DOCUMENT_MAX)
            error = ERR_LIMIT;
    }
    fclose(file);
    return error;
}
