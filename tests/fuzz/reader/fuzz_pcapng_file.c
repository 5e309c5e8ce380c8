/* Any bytes as a pcapng file: it ends with a status, and what it gives is there and in bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stages/reader/pcapng_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct source_fault fault = {""};
    int error;
    int fd = memfd_create("capture", 0);
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    struct inflate *input = inflate_new(fd, NULL, &error);
    struct pcapng_file *file = input ? pcapng_file_new(input, NULL, &fault, &error) : NULL;
    struct frame frame;
    uint64_t frames = 0;
    volatile uint8_t sum = 0;
    while (file && pcapng_file_next(file, &frame) == 0 && frames < 100000) {
        if (frame.number != ++frames || frame.wire_length < frame.length)
            abort();
        for (uint32_t i = 0; i < frame.length; i++)
            sum = (uint8_t)(sum + frame.bytes[i]);
    }
    pcapng_file_free(&file);
    inflate_free(&input);
    return 0;
}
