/* Syncs that another thread does: their outcome comes back, whatever becomes of who asked. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/sink/syncer.h"
#include "stages/sink/writer.h"
#include "tests/unit/sink/check.h"

enum { MANY = 40, PATIENCE_MS = 120000 };

static _Atomic int syncs;
static _Atomic int failure; /* of every one; 0: none */

/* In place of the C library's. */
int fsync(int file)
{
    syncs++;
    if (!failure)
        return (int)syscall(SYS_fsync, file);
    errno = failure;
    return -1;
}

struct bench {
    char path[SCRATCH_PATH];
    int parent;
    struct syncer *syncer;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    int error;
    scratch_make(b->path);
    b->parent = open(b->path, O_RDONLY | O_DIRECTORY);
    b->syncer = syncer_new(&error);
    *state = b;
    return error;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    syncer_free(&b->syncer);
    close(b->parent);
    scratch_remove(b->path);
    free(b);
    return 0;
}

/* Results of so many files, and their way to the disk. */
static struct syncing *written(struct bench *b, struct syncer *syncer, const char *name, int files)
{
    int error;
    assert_int_equal(mkdirat(b->parent, name, 0777), 0);
    int directory = openat(b->parent, name, O_RDONLY | O_DIRECTORY);
    struct syncing *syncing = syncing_new(syncer, directory, b->parent, &error);
    assert_non_null(syncing);
    assert_int_equal(mkdirat(directory, "cert_file", 0777), 0);
    assert_int_equal(writer_file(directory, "empty", "", 0), 0);
    for (int i = 0; i < files; i++) {
        char file[32];
        snprintf(file, sizeof file, i % 2 ? "%d" : "cert_file/%d", i);
        assert_int_equal(writer_file(directory, file, file, strlen(file)), 0);
    }
    close(directory);
    return syncing;
}

static int outcome(struct bench *b, const struct syncing *syncing)
{
    struct pollfd event = {.fd = syncer_descriptor(b->syncer), .events = POLLIN};
    int error;
    while ((error = syncing_outcome(syncing)) == ERR_AGAIN) {
        if (poll(&event, 1, PATIENCE_MS) != 1)
            fail_msg("nothing was synced");
        syncer_heard(b->syncer);
    }
    return error;
}

static void one_is_synced_and_then_its_place(void **state)
{
    struct bench *b = *state;
    for (int files = 0; files < 200; files += 90) { /* also more than are synced one by one */
        char name[16];
        snprintf(name, sizeof name, "one-%d", files);
        struct syncing *syncing = written(b, b->syncer, name, files);
        syncing_results(syncing);
        assert_int_equal(outcome(b, syncing), 0);
        syncing_place(syncing);
        assert_int_equal(outcome(b, syncing), 0);
        syncing_free(&syncing);
        assert_null(syncing);
    }
}

static void many_are_synced_together(void **state)
{
    struct bench *b = *state;
    struct syncing *syncings[MANY];
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        syncings[i] = written(b, b->syncer, name, 3);
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 2)
            syncing_results(syncings[i]);
        else
            syncing_place(syncings[i]);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(outcome(b, syncings[i]), 0);
    for (int i = 0; i < MANY; i++)
        syncing_free(&syncings[i]);
}

static void those_that_nobody_waits_for_any_more_are_forgotten(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        struct syncing *syncing = written(b, b->syncer, name, 3);
        syncing_ahead(syncing);
        if (i % 2)
            syncing_results(syncing);
        syncing_free(&syncing);
    }
}

/* The rest comes while that waits, is under way or has ended: each time all is synced once more. */
static void what_is_synced_ahead_is_not_all(void **state)
{
    enum { FILES = 3, DIRECTORIES = 2, PASSES = 2 };
    struct bench *b = *state;
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        struct syncing *syncing = written(b, b->syncer, name, FILES);
        syncs = 0;
        syncing_ahead(syncing);
        if (i % 2)
            assert_int_equal(outcome(b, syncing), 0);
        syncing_results(syncing);
        assert_int_equal(outcome(b, syncing), 0);
        assert_int_equal(syncs, PASSES * (FILES + DIRECTORIES));
        syncing_place(syncing);
        assert_int_equal(outcome(b, syncing), 0);
        syncing_free(&syncing);
    }
}

/* The system tells of a failure once. */
static void what_failed_ahead_has_failed(void **state)
{
    struct bench *b = *state;
    struct syncing *syncing = written(b, b->syncer, "one", 3);
    failure = EIO;
    syncing_ahead(syncing);
    assert_int_equal(outcome(b, syncing), -EIO);
    failure = 0;
    syncing_results(syncing);
    assert_int_equal(outcome(b, syncing), -EIO);
    syncing_free(&syncing);
}

/* It may be gone by then, as a file without a name is where the system gives it one. */
static void what_cannot_be_opened_ahead_may_be_later(void **state)
{
    struct bench *b = *state;
    struct syncing *syncing = written(b, b->syncer, "one", 3);
    assert_int_equal(symlinkat("nowhere", b->parent, "one/link"), 0);
    syncing_ahead(syncing);
    assert_int_equal(outcome(b, syncing), 0);
    assert_int_equal(unlinkat(b->parent, "one/link", 0), 0);
    syncing_results(syncing);
    assert_int_equal(outcome(b, syncing), 0);
    syncing_free(&syncing);
}

static void without_a_thread_it_is_done_at_once(void **state)
{
    struct bench *b = *state;
    struct syncing *syncing = written(b, NULL, "one", 3);
    syncing_ahead(syncing);
    syncing_results(syncing);
    assert_int_equal(syncing_outcome(syncing), 0);
    syncing_place(syncing);
    assert_int_equal(syncing_outcome(syncing), 0);
    syncing_free(&syncing);
}

static void what_cannot_be_synced_says_why(void **state)
{
    struct bench *b = *state;
    int error, here = open(b->path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(symlinkat("nowhere", b->parent, "link"), 0);
    struct syncing *syncing = syncing_new(b->syncer, here, b->parent, &error);
    syncing_results(syncing);
    assert_int_equal(outcome(b, syncing), -ELOOP);
    syncing_free(&syncing);
    assert_null(syncing_new(b->syncer, -1, b->parent, &error));
    assert_int_equal(error, -EBADF);
    close(here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_is_synced_and_then_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_are_synced_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_that_nobody_waits_for_any_more_are_forgotten, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_synced_ahead_is_not_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_failed_ahead_has_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_opened_ahead_may_be_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_a_thread_it_is_done_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_synced_says_why, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
