/* Files of results: what was put last stands last, however long the pieces are. */
#include <fcntl.h>
#include <unistd.h>

#include "stages/sink/writer.h"
#include "tests/unit/sink/check.h"

enum { PUTS = 400, LONGEST = 3000 * 1000 };

/* Short ones and long ones in no order that a buffer's size could be a part of. */
static size_t length_of(size_t i)
{
    return i * i * 7919 % (i % 3 ? 300 : LONGEST);
}

static uint8_t byte_of(size_t put, size_t at)
{
    return (uint8_t)(put * 31 + at);
}

static void pieces_follow_each_other(void **state)
{
    (void)state;
    static uint8_t piece[LONGEST], again[LONGEST];
    char path[SCRATCH_PATH];
    int error = 0;
    scratch_make(path);
    int directory = open(path, O_RDONLY | O_DIRECTORY);
    struct writer *writer = writer_new(directory, "file", &error);
    assert_non_null(writer);
    for (size_t i = 0; i < PUTS; i++) {
        for (size_t at = 0; at < length_of(i); at++)
            piece[at] = byte_of(i, at);
        buffer_append(writer_text(writer), piece, length_of(i));
        assert_int_equal(writer_go_on(writer), 0);
    }
    assert_int_equal(writer_finish(writer), 0);
    writer_free(&writer);
    int file = openat(directory, "file", O_RDONLY);
    for (size_t i = 0; i < PUTS; i++) {
        for (size_t at = 0; at < length_of(i); at++)
            piece[at] = byte_of(i, at);
        assert_int_equal(read(file, again, length_of(i)), length_of(i));
        assert_memory_equal(again, piece, length_of(i));
    }
    assert_int_equal(read(file, again, 1), 0);
    close(file);
    close(directory);
    scratch_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
