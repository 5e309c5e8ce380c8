/* The scribe: what it writes in the background is what is written at once otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/sink/scribe.h"
#include "tests/unit/sink/made.h"

enum { PARTS = 5, ALL_MS = 100 * 1000, MUCH = 300, LONG_NOTE = 100 * 1000 };

struct bench {
    char path[SCRATCH_PATH];
    int directory;
    struct record_files *files;
    struct scribe *scribe;
    struct made made;
};

static void begin(struct bench *b)
{
    scratch_make(b->path);
    b->directory = open(b->path, O_RDONLY | O_DIRECTORY);
    b->files = record_files_new(b->directory);
    b->scribe = scribe_new(b->files, utc);
    assert_non_null(b->scribe);
}

static void end(struct bench *b)
{
    scribe_free(&b->scribe);
    record_files_free(&b->files);
    unmake(&b->made);
    close(b->directory);
    scratch_remove(b->path);
}

/* What is left is written at once. */
static void finish(struct bench *b)
{
    assert_int_equal(scribe_wait(b->scribe), 0);
    scribe_free(&b->scribe);
    assert_int_equal(record_files_print(b->files, b->made.records, utc), 0);
    assert_int_equal(record_files_finish(b->files), 0);
}

static int take_part(struct bench *b, int part)
{
    records_begin_part(b->made.records, MOMENT + part * (ALL_MS / PARTS) * MS);
    return scribe_take(b->scribe, b->made.records);
}

static void same_files(const struct bench *a, const struct bench *b)
{
    for (size_t i = 0; i < RECORD_FILES; i++) {
        char *text = content_of(a->path, RECORD_FILE_NAMES[i]);
        holds(b->path, RECORD_FILE_NAMES[i], text);
        assert_int_equal(record_files_lines(a->files)[i], record_files_lines(b->files)[i]);
        free(text);
    }
}

static void parts_follow_each_other(void **state)
{
    (void)state;
    struct bench once = {.made = make(MANY, NONE)};
    begin(&once);
    finish(&once);
    for (int waits = 0; waits < 2; waits++) {
        struct bench parts = {.made = make(MANY, NONE)};
        begin(&parts);
        for (int part = 1; part < PARTS; part++) {
            assert_int_equal(take_part(&parts, part), 0);
            if (waits)
                assert_int_equal(scribe_wait(parts.scribe) || scribe_outcome(parts.scribe), 0);
        }
        finish(&parts);
        same_files(&once, &parts);
        end(&parts);
    }
    end(&once);
}

/* More than may be under way, each a long record: whoever has it waits, and all is written. */
static void much_is_taken_bit_by_bit(void **state)
{
    (void)state;
    static char text[LONG_NOTE];
    memset(text, 'x', sizeof text - 1);
    struct bench b = {.made = make(0, NONE)};
    begin(&b);
    for (int i = 0; i < MUCH; i++) {
        struct buffer map = {0};
        const char *texts[] = {"ip_port", "1.2.3.4-1000-5.6.7.8-443", "sni_domain", text, NULL};
        pack_texts(&map, texts);
        struct event event = record_of(1, TAPLINE_RECORD_SNI, MOMENT, (uint64_t)i, &map);
        assert_int_equal(records_add(b.made.records, 1, &event.record), 0);
        buffer_free(&map);
    }
    assert_int_equal(take_part(&b, 1), 0);
    assert_int_equal(scribe_wait(b.scribe), 0);
    assert_int_equal(record_files_lines(b.files)[FILE_SNI], MUCH);
    end(&b);
}

/* The thread has nobody to tell: whoever asks hears it, and nothing more is written. */
static void what_went_wrong_is_the_outcome(void **state)
{
    (void)state;
    struct bench b = {.made = make(MANY, 0)};
    begin(&b);
    take_part(&b, 1);
    assert_int_equal(scribe_wait(b.scribe), ERR_MALFORMED);
    assert_int_equal(scribe_outcome(b.scribe), ERR_MALFORMED);
    assert_int_equal(take_part(&b, 2), ERR_MALFORMED);
    end(&b);
    b = (struct bench){.made = make(MANY, NONE)};
    begin(&b);
    close(openat(b.directory, RECORD_FILE_NAMES[FILE_SAVE_CON], O_CREAT | O_WRONLY, 0600));
    take_part(&b, PARTS);
    assert_int_equal(scribe_wait(b.scribe), -EEXIST);
    end(&b);
}

static void may_be_left_in_the_middle(void **state)
{
    (void)state;
    struct bench b = {.made = make(MANY, NONE)};
    begin(&b);
    assert_int_equal(take_part(&b, PARTS), 0);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_follow_each_other),
        cmocka_unit_test(much_is_taken_bit_by_bit),
        cmocka_unit_test(what_went_wrong_is_the_outcome),
        cmocka_unit_test(may_be_left_in_the_middle),
    };
    return cmocka_run_group_tests_name("scribe", tests, NULL, NULL);
}
