#include "tests/bench/capture_writer.h"

#include <stdlib.h>

enum { LONGEST = 262144, ETHERNET = 1, FILE_BUFFER = 1 << 20 };

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

struct capture_writer capture_writer_open(const char *path)
{
    struct capture_writer w = {.file = fopen(path, "wb")};
    const uint32_t header[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, LONGEST, ETHERNET};
    if (!w.file)
        fail(path);
    setvbuf(w.file, NULL, _IOFBF, FILE_BUFFER);
    fwrite(header, sizeof header, 1, w.file);
    return w;
}

void capture_writer_frame(struct capture_writer *w, int64_t time_us, const uint8_t *bytes,
                          uint32_t length, uint32_t wire_length)
{
    int64_t at = CAPTURE_EPOCH_US + time_us;
    const uint32_t header[] = {(uint32_t)(at / 1000000), (uint32_t)(at % 1000000), length,
                               wire_length};
    fwrite(header, sizeof header, 1, w->file);
    fwrite(bytes, 1, length, w->file);
    w->frames++;
    w->bytes += sizeof header + length;
}

void capture_writer_close(struct capture_writer *w)
{
    if (ferror(w->file) || fclose(w->file) != 0)
        fail("the workload could not be written");
}
