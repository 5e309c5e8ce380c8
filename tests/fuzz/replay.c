/*
 * Runs a fuzz target over the files of its corpus, without a fuzzer: the inputs that once
 * mattered stay tests. Each input stands against a page that may not be touched, so that a
 * read behind its end is a crash here too.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int replay(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &status) != 0) {
        perror(path);
        return -1;
    }
    size_t length = (size_t)status.st_size, page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (length + page - 1) / page * page;
    uint8_t *map =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + room, page, PROT_NONE) != 0) {
        perror("mmap");
        exit(1);
    }
    uint8_t *input = map + room - length;
    size_t got = fread(input, 1, length, file);
    fclose(file);
    if (got == length)
        LLVMFuzzerTestOneInput(input, length);
    munmap(map, room + page);
    return got == length ? 0 : -1;
}

int main(int argc, char **argv)
{
    int inputs = 0, unread = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent **names;
        int count = scandir(argv[i], &names, NULL, alphasort);
        if (count < 0) {
            perror(argv[i]);
            return 1;
        }
        for (int n = 0; n < count; n++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", argv[i], names[n]->d_name);
            if (names[n]->d_name[0] != '.') {
                inputs++;
                unread += replay(path) != 0;
            }
            free(names[n]);
        }
        free(names);
    }
    printf("%s: %d inputs replayed\n", strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0],
           inputs);
    return inputs == 0 || unread != 0;
}
