#include "stages/reader/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/reader/inflate.h"
#include "stages/reader/pcap_file.h"
#include "stages/reader/pcapng_file.h"
#include "stages/reader/source_fault.h"
#include "stages/reader/source_kind.h"

struct source {
    struct inflate *input;
    struct pcap_file *pcap;     /* one of these two */
    struct pcapng_file *pcapng; /* reads the input */
    uint64_t size;              /* of the file; 0: unknown */
    struct source_fault fault;
};

static bool is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

const char *source_name(const char *path)
{
    return is_stdin(path) ? "standard input" : path;
}

static int cannot_open(int system_error, struct source_fault *fault)
{
    bool too_many = system_error == -EMFILE || system_error == -ENFILE;
    source_fault_say(fault, "%s%s", strerror(-system_error),
                     too_many ? ": give fewer captures at once, or raise the limit (ulimit -n)"
                              : "");
    return too_many ? ERR_LIMIT : system_error == -EINTR ? ERR_STOPPED : ERR_UNREADABLE;
}

/* One of the two: a descriptor, or a spool. */
static int open_input(const char *path, struct spools *spools, int *fd, struct spool **spool,
                      struct source_fault *fault)
{
    int error = 0;
    *fd = -1;
    *spool = spools ? spools_open(spools, path, &error) : NULL;
    if (error)
        return cannot_open(error, fault);
    if (*spool)
        return 0;
    *fd = is_stdin(path) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                         : open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ? 0 : cannot_open(-errno, fault);
}

/* What is left of a regular file, which standard input may stand anywhere in. */
static uint64_t size_of(int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return 0;
    off_t at = lseek(fd, 0, SEEK_CUR);
    return at >= 0 && at < status.st_size ? (uint64_t)(status.st_size - at) : 0;
}

/* Finds out what the content is and begins to read it. */
static int recognise(struct source *source, const struct window_memory *memory)
{
    int error = 0;
    size_t length;
    const uint8_t *head = inflate_head(source->input, &length);
    if (pcap_file_begins(head, length)) {
        source->pcap = pcap_file_new(source->input, memory, &source->fault, &error);
    } else if (pcapng_file_begins(head, length)) {
        source->pcapng = pcapng_file_new(source->input, memory, &source->fault, &error);
    } else if (inflate_error(source->input) == ERR_TRUNCATED) {
        source_fault_say(&source->fault, "%s", inflate_fault(source->input));
        error = ERR_UNREADABLE;
    } else if (inflate_error(source->input)) {
        error = inflate_error(source->input);
    } else {
        source_fault_say(&source->fault, "%s", source_kind(head, length));
        error = ERR_UNREADABLE;
    }
    return error;
}

static struct source *begin(const char *path, struct spools *spools,
                            const struct window_memory *memory, struct source_fault *fault,
                            int *error)
{
    int fd;
    struct spool *spool;
    *error = open_input(path, spools, &fd, &spool, fault);
    if (*error)
        return NULL;
    struct source *source = calloc(1, sizeof *source);
    if (!source) {
        if (fd >= 0)
            close(fd);
        *error = -ENOMEM;
        return NULL;
    }
    source->size = spool ? spool_size(spool) : size_of(fd);
    source->input = inflate_new(fd, spool, error);
    if (source->input)
        *error = recognise(source, memory);
    if (!*error)
        return source;
    if (*error == ERR_UNREADABLE)
        source_fault_say(fault,
                         "no capture that can be read: %s (pcap and pcapng can, plain or "
                         "compressed with gzip or zstd)",
                         source->fault.text);
    source_free(&source);
    return NULL;
}

struct source *source_open(const char *path, struct spools *spools,
                           const struct window_memory *memory, char *fault, size_t fault_size,
                           int *error)
{
    struct source_fault why = {""};
    *error = 0;
    struct source *source = begin(path, spools, memory, &why, error);
    if (!source) {
        snprintf(fault, fault_size, "%s: %s", source_name(path),
                 *why.text ? why.text : error_text(*error));
    }
    return source;
}

void source_free(struct source **source)
{
    if (!*source)
        return;
    pcap_file_free(&(*source)->pcap);
    pcapng_file_free(&(*source)->pcapng);
    inflate_free(&(*source)->input);
    free(*source);
    *source = NULL;
}

int source_next(struct source *source, struct frame *frame)
{
    return source->pcap ? pcap_file_next(source->pcap, frame)
                        : pcapng_file_next(source->pcapng, frame);
}

void source_stop_waiting(struct source *source)
{
    inflate_stop_waiting(source->input);
}

int source_descriptor(const struct source *source)
{
    return inflate_descriptor(source->input);
}

const char *source_fault(const struct source *source)
{
    return source->fault.text;
}

void source_position(const struct source *source, uint64_t *done, uint64_t *size)
{
    *done = inflate_taken(source->input);
    *size = source->size;
}
