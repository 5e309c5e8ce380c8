/* Any bytes as a capture of any kind, compressed or not, from a file that can be opened: frames
 * that are there and in bounds, and then a status with its text. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/reader/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Reads to the end, or for so long: a few compressed bytes hold millions of empty packets. */
static void drain(struct source *source)
{
    struct frame frame;
    uint64_t frames = 0;
    volatile uint8_t sum = 0;
    int status = 0;
    while (frames < 20000 && (status = source_next(source, &frame)) == 0) {
        if (frame.number != ++frames || frame.wire_length < frame.length)
            abort();
        for (uint32_t i = 0; i < frame.length; i++)
            sum = (uint8_t)(sum + frame.bytes[i]);
    }
    if (status && status != ERR_EOF && status != ERR_TRUNCATED)
        abort();
    if ((status == ERR_TRUNCATED) != (*source_fault(source) != '\0'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char path[64], fault[256] = "";
    int error;
    int fd = memfd_create("capture", 0);
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct source *source = source_open(path, NULL, NULL, fault, sizeof fault, &error);
    if (source)
        drain(source);
    else if (error != ERR_UNREADABLE || !*fault)
        abort();
    source_free(&source);
    close(fd);
    return 0;
}
