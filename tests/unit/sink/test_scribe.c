/* The scribe against a printer alone: however many print, and in whatever parts records come, the
 * files are as one would write them. */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/sink/printer.h"
#include "stages/sink/scribe.h"
#include "stages/sink/thread.h"
#include "tests/unit/sink/made.h"

enum { PARTS = 5, ALL_MS = 100 * 1000, MUCH = 300, LONG_NOTE = 100 * 1000,
       PATIENCE_MS = 120 * 1000 };

static bool no_threads; /* can be had */
static int threads;     /* that were started */

/* In place of the stage's. */
int thread_start(pthread_t *thread, void *(*run)(void *context), void *context)
{
    threads += !no_threads;
    return no_threads ? -EAGAIN : -pthread_create(thread, NULL, run, context);
}

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

static void finish(struct bench *b)
{
    assert_int_equal(scribe_finish(b->scribe, b->made.records), 0);
    assert_int_equal(scribe_outcome(b->scribe), 0);
    scribe_free(&b->scribe);
    assert_int_equal(record_files_finish(b->files), 0);
}

static int take_part(struct bench *b, int part)
{
    int64_t until_ns = MOMENT + part * (ALL_MS / PARTS) * MS;
    records_begin_part(b->made.records, (struct horizon_times){until_ns, until_ns});
    return scribe_take(b->scribe, b->made.records);
}

/* What comes of it in the background alone. */
static int await(const struct bench *b)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < PATIENCE_MS && scribe_outcome(b->scribe) == ERR_AGAIN; i++)
        nanosleep(&moment, NULL);
    return scribe_outcome(b->scribe);
}

/* Every file's text and lines. */
struct printed {
    struct buffer text[RECORD_FILES];
    uint64_t lines[RECORD_FILES];
};

static struct printed print_alone(int flows)
{
    struct printed printed = {0};
    struct made made = make(flows, NONE);
    struct printer *printer = printer_new(utc);
    struct entry record;
    int error;
    while ((error = records_next(made.records, &record)) == 0) {
        uint8_t file = record.key[0];
        assert_int_equal(printer_line(printer, &record, &printed.text[file]), 0);
        printed.lines[file]++;
    }
    assert_int_equal(error, ERR_EOF);
    for (size_t i = 0; i < RECORD_FILES; i++)
        buffer_append(&printed.text[i], "", 1);
    printer_free(&printer);
    unmake(&made);
    return printed;
}

static void release(struct printed *printed)
{
    for (size_t i = 0; i < RECORD_FILES; i++)
        buffer_free(&printed->text[i]);
}

static void files_hold(const struct bench *b, const struct printed *printed)
{
    for (size_t i = 0; i < RECORD_FILES; i++) {
        holds(b->path, RECORD_FILE_NAMES[i], (const char *)printed->text[i].bytes);
        assert_int_equal(record_files_lines(b->files)[i], printed->lines[i]);
    }
}

static void lines_are_those_of_one_printer(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, 2, 500, MANY};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct printed alone = print_alone(counts[i]);
        struct bench b = {.made = make(counts[i], NONE)};
        begin(&b);
        finish(&b);
        files_hold(&b, &alone);
        end(&b);
        release(&alone);
    }
}

static void parts_follow_each_other(void **state)
{
    (void)state;
    struct printed alone = print_alone(MANY);
    for (int waits = 0; waits < 2; waits++) {
        struct bench parts = {.made = make(MANY, NONE)};
        begin(&parts);
        for (int part = 1; part < PARTS; part++) {
            assert_int_equal(take_part(&parts, part), 0);
            if (waits)
                assert_int_equal(await(&parts), 0);
        }
        assert_in_range(scribe_lines(parts.scribe), 1, MANY - 1);
        finish(&parts);
        files_hold(&parts, &alone);
        end(&parts);
    }
    release(&alone);
}

/* Nobody comes back for them. */
static void few_are_written_in_the_background_too(void **state)
{
    (void)state;
    struct bench b = {.made = make(2, NONE)};
    begin(&b);
    threads = 0;
    assert_int_equal(take_part(&b, PARTS), 0);
    assert_int_equal(threads, 1);
    assert_int_equal(await(&b), 0);
    assert_int_equal(scribe_lines(b.scribe), 2);
    end(&b);
}

/* The caller is all there is. */
static void without_a_thread_it_is_written_at_once(void **state)
{
    (void)state;
    struct printed alone = print_alone(MANY);
    struct bench b = {.made = make(MANY, NONE)};
    begin(&b);
    no_threads = true;
    for (int part = 1; part < PARTS; part++) {
        assert_int_equal(take_part(&b, part), 0);
        assert_int_equal(scribe_outcome(b.scribe), 0);
    }
    finish(&b);
    no_threads = false;
    files_hold(&b, &alone);
    end(&b);
    release(&alone);
}

/* More than may be under way, each a long record: whoever has it helps, and all is written. */
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
    assert_int_equal(await(&b), 0);
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
    assert_int_equal(await(&b), ERR_MALFORMED);
    assert_int_equal(take_part(&b, 2), ERR_MALFORMED);
    assert_int_equal(scribe_finish(b.scribe, b.made.records), ERR_MALFORMED);
    end(&b);
    b = (struct bench){.made = make(MANY, NONE)};
    begin(&b);
    close(openat(b.directory, RECORD_FILE_NAMES[FILE_SAVE_CON], O_CREAT | O_WRONLY, 0600));
    take_part(&b, PARTS);
    assert_int_equal(await(&b), -EEXIST);
    end(&b);
}

static void what_cannot_be_printed_is_told(void **state)
{
    (void)state;
    static const int wrong[] = {0, MANY / 2 + 1, MANY - 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct bench b = {.made = make(MANY, wrong[i])};
        begin(&b);
        assert_int_equal(scribe_finish(b.scribe, b.made.records), ERR_MALFORMED);
        end(&b);
    }
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
        cmocka_unit_test(lines_are_those_of_one_printer),
        cmocka_unit_test(parts_follow_each_other),
        cmocka_unit_test(few_are_written_in_the_background_too),
        cmocka_unit_test(without_a_thread_it_is_written_at_once),
        cmocka_unit_test(much_is_taken_bit_by_bit),
        cmocka_unit_test(what_went_wrong_is_the_outcome),
        cmocka_unit_test(what_cannot_be_printed_is_told),
        cmocka_unit_test(may_be_left_in_the_middle),
    };
    return cmocka_run_group_tests_name("scribe", tests, NULL, NULL);
}
