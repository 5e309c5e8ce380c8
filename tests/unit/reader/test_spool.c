/* What cannot be opened twice is kept, and read again from the beginning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "stages/reader/spool.h"

/* A pipe, as a path that can be opened; its writing end. */
static int pipe_path(char path[32])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    snprintf(path, 32, "/dev/fd/%d", ends[0]);
    return ends[1];
}

static void put(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void expect(struct spool *spool, uint64_t offset, const char *text)
{
    char got[64] = "";
    assert_int_equal(spool_read(spool, offset, got, sizeof got - 1), strlen(text));
    assert_string_equal(got, text);
}

static void a_pipe_can_be_read_again_and_on(void **state)
{
    (void)state;
    char path[32];
    int error, writing = pipe_path(path);
    struct spools *spools = spools_new("/tmp");
    struct spool *spool = spools_open(spools, path, &error);
    assert_non_null(spool);
    assert_int_equal(spool_size(spool), 0);
    put(writing, "one two ");
    expect(spool, 0, "one two ");
    assert_ptr_equal(spools_open(spools, path, &error), spool); /* another attempt */
    expect(spool, 4, "two ");
    expect(spool, 0, "one two ");
    put(writing, "three");
    close(writing);
    expect(spool, 8, "three");
    expect(spool, 0, "one two three");
    expect(spool, 13, "");
    assert_null(spools_fault(spools));
    spools_free(&spools);
}

static void without_room_it_is_read_once_and_says_so(void **state)
{
    (void)state;
    char path[32];
    int error, writing = pipe_path(path);
    struct spools *spools = spools_new("/nowhere");
    struct spool *spool = spools_open(spools, path, &error);
    assert_non_null(spool);
    put(writing, "one");
    expect(spool, 0, "one");
    assert_non_null(strstr(spools_fault(spools), "/nowhere"));
    close(writing);
    spools_free(&spools);
}

static void a_regular_file_needs_none(void **state)
{
    (void)state;
    int error = 1;
    struct spools *spools = spools_new(NULL);
    assert_null(spools_open(spools, "/proc/self/exe", &error));
    assert_int_equal(error, 0);
    assert_null(spools_open(spools, "/nowhere/at/all", &error));
    assert_true(error < 0);
    spools_free(&spools);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_can_be_read_again_and_on),
        cmocka_unit_test(without_room_it_is_read_once_and_says_so),
        cmocka_unit_test(a_regular_file_needs_none),
    };
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
