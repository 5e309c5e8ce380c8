/* Files in memory: read at any place and again, let go in pieces, and cut short while they are
 * read. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/mapping.h"

enum { WORD = sizeof(uint32_t), SIZE = 3 * MAPPING_PIECE + 12345 * WORD, PAGE = 4096 };

static uint32_t word_at(size_t offset)
{
    return (uint32_t)(offset / WORD * 2654435761u);
}

static int make_file(void)
{
    char path[] = "/tmp/mapping-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    uint32_t *content = malloc(SIZE);
    for (size_t at = 0; at < SIZE; at += WORD)
        content[at / WORD] = word_at(at);
    assert_int_equal(write(file, content, SIZE), SIZE);
    free(content);
    return file;
}

static uint32_t read_word(const struct mapping *mapping, size_t offset)
{
    uint32_t word;
    memcpy(&word, mapping_bytes(mapping) + offset, sizeof word);
    return word;
}

static struct mapping *map(int file)
{
    int error = 1;
    struct mapping *mapping = mapping_new(file, SIZE, &error);
    assert_non_null(mapping);
    assert_int_equal(error, 0);
    close(file); /* it has its own */
    return mapping;
}

/* How many of its pages take memory of this process. */
static size_t pages_held(const struct mapping *mapping)
{
    size_t held = 0;
    int pagemap = open("/proc/self/pagemap", O_RDONLY);
    assert_true(pagemap >= 0);
    for (size_t at = 0; at < SIZE; at += PAGE) {
        uint64_t entry;
        off_t place = (off_t)(((uintptr_t)mapping_bytes(mapping) + at) / PAGE * sizeof entry);
        assert_int_equal(pread(pagemap, &entry, sizeof entry, place), sizeof entry);
        held += entry >> 63;
    }
    close(pagemap);
    return held;
}

static void the_content_is_there_and_what_is_released_comes_again(void **state)
{
    (void)state;
    struct mapping *mapping = map(make_file());
    assert_int_equal(mapping_size(mapping), SIZE);
    for (int round = 0; round < 3; round++) {
        for (size_t at = 0; at < SIZE; at += WORD)
            assert_int_equal(read_word(mapping, at), word_at(at));
        assert_int_equal(pages_held(mapping), (SIZE + PAGE - 1) / PAGE);
        mapping_release(mapping, 10, 2 * MAPPING_PIECE + 10);
        assert_int_equal(pages_held(mapping), (SIZE + PAGE - 1) / PAGE - 2 * MAPPING_PIECE / PAGE);
    }
    mapping_release(mapping, SIZE, 10);
    mapping_release(mapping, 10, 10);
    mapping_release(mapping, 0, UINT64_MAX);
    assert_int_equal(read_word(mapping, 0), word_at(0));
    assert_false(mapping_broken(mapping));
    mapping_free(&mapping);
    assert_null(mapping);
    mapping_free(&mapping);
}

static void what_was_cut_off_reads_as_zeros_and_is_told(void **state)
{
    (void)state;
    int file = make_file();
    int again = dup(file);
    struct mapping *whole = map(make_file()), *mapping = map(file), *last = map(make_file());
    assert_int_equal(read_word(mapping, 0), word_at(0));
    assert_int_equal(ftruncate(again, MAPPING_PIECE + PAGE), 0);
    assert_int_equal(read_word(mapping, MAPPING_PIECE), word_at(MAPPING_PIECE));
    assert_false(mapping_broken(mapping));
    assert_int_equal(read_word(mapping, MAPPING_PIECE + 2 * PAGE), 0);
    assert_true(mapping_broken(mapping));
    assert_int_equal(read_word(mapping, SIZE - WORD), 0);
    assert_int_equal(read_word(mapping, MAPPING_PIECE), word_at(MAPPING_PIECE));
    mapping_release(mapping, 0, SIZE);
    assert_true(mapping_broken(mapping));
    assert_false(mapping_broken(whole) || mapping_broken(last));
    mapping_free(&whole);
    mapping_free(&mapping);
    assert_int_equal(read_word(last, SIZE - WORD), word_at(SIZE - WORD));
    mapping_free(&last);
    close(again);
}

/* Errors of memory that is none of a mapping's end the process as they always do. */
static void other_bus_errors_are_not_hidden(void **state)
{
    (void)state;
    struct mapping *mapping = map(make_file());
    int file = make_file(), status;
    const volatile uint8_t *other = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, file, 0);
    assert_int_equal(ftruncate(file, 0), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(other[MAPPING_PIECE]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
    munmap((void *)(uintptr_t)other, SIZE);
    close(file);
    mapping_free(&mapping);
}

static void what_cannot_be_mapped_is_refused(void **state)
{
    (void)state;
    int error = 0, ends[2];
    assert_null(mapping_new(-1, SIZE, &error));
    assert_true(error < 0);
    assert_int_equal(pipe(ends), 0);
    error = 0;
    assert_null(mapping_new(ends[0], SIZE, &error));
    assert_true(error < 0);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_content_is_there_and_what_is_released_comes_again),
        cmocka_unit_test(what_was_cut_off_reads_as_zeros_and_is_told),
        cmocka_unit_test(other_bus_errors_are_not_hidden),
        cmocka_unit_test(what_cannot_be_mapped_is_refused),
    };
    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
