/* The capture's file, offered by a process and accepted by another. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/bus/sharing.h"
#include "common/wire/pack.h"

static const char CONTENT[] = "what all of them read";
enum { REALM = 77 };

struct file {
    char path[32];
    int descriptor;
    struct mapping *mapping;
    struct buffer offer;
};

static int open_file(void **state)
{
    struct file *file = calloc(1, sizeof *file);
    int error;
    snprintf(file->path, sizeof file->path, "/tmp/sharing-XXXXXX");
    file->descriptor = mkstemp(file->path);
    assert_int_equal(write(file->descriptor, CONTENT, sizeof CONTENT), sizeof CONTENT);
    file->mapping = mapping_new(file->descriptor, sizeof CONTENT, &error);
    assert_non_null(file->mapping);
    sharing_offer(&file->offer, REALM, file->mapping);
    *state = file;
    return 0;
}

static int close_file(void **state)
{
    struct file *file = *state;
    mapping_free(&file->mapping);
    close(file->descriptor);
    unlink(file->path);
    buffer_free(&file->offer);
    free(file);
    return 0;
}

static struct slice offer_of(const struct file *file)
{
    return (struct slice){file->offer.bytes, file->offer.length};
}

/* In a process of its own, which has the file from nobody, not even its path. */
static void another_process_reads_the_same(void **state)
{
    struct file *file = *state;
    int status;
    unlink(file->path);
    pid_t child = fork();
    if (child == 0) {
        int error = 1;
        close(file->descriptor);
        mapping_free(&file->mapping);
        struct sharing *sharing = sharing_accept(offer_of(file), REALM, &error);
        const struct original *original = sharing_original(sharing);
        bool same = original && !error && original->size == sizeof CONTENT &&
                    memcmp(original->bytes, CONTENT, sizeof CONTENT) == 0;
        sharing_pass(sharing);
        same = same && !sharing_broken(sharing) && original->bytes[0] == CONTENT[0];
        sharing_free(&sharing);
        _exit(same ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void the_readers_own_stays_its_own(void **state)
{
    struct file *file = *state;
    struct sharing *sharing = sharing_new(file->mapping);
    assert_ptr_equal(sharing_original(sharing)->bytes, mapping_bytes(file->mapping));
    sharing_pass(sharing);
    sharing_free(&sharing);
    assert_null(sharing);
    assert_int_equal(mapping_bytes(file->mapping)[0], CONTENT[0]);
    assert_null(sharing_original(NULL));
    sharing_pass(NULL);
    assert_false(sharing_broken(NULL));
}

static void nothing_is_read_in_another_realm_or_without_an_offer(void **state)
{
    struct file *file = *state;
    struct buffer nil = {0};
    int error = 1;
    assert_null(sharing_accept(offer_of(file), REALM + 1, &error));
    assert_int_equal(error, 0);
    error = 1;
    assert_null(sharing_accept((struct slice){0}, REALM, &error));
    assert_int_equal(error, 0);
    sharing_offer(&nil, REALM, NULL);
    error = 1;
    assert_null(sharing_accept((struct slice){nil.bytes, nil.length}, REALM, &error));
    assert_int_equal(error, 0);
    buffer_free(&nil);
}

static void expect_refusal(const struct file *file, int expected)
{
    int error = 0;
    assert_null(sharing_accept(offer_of(file), REALM, &error));
    assert_int_equal(error, expected);
}

static void a_file_that_is_gone_or_another_is_not_read(void **state)
{
    struct file *file = *state;
    int number = mapping_descriptor(file->mapping), other = open("/etc/passwd", O_RDONLY);
    assert_true(other >= 0);
    mapping_free(&file->mapping);
    expect_refusal(file, ERR_LOST);
    assert_int_equal(dup2(other, number), number); /* another has its number now */
    expect_refusal(file, ERR_LOST);
    assert_int_equal(ftruncate(file->descriptor, 5), 0);
    assert_int_equal(dup2(file->descriptor, number), number); /* it has become shorter */
    expect_refusal(file, ERR_LOST);
    close(number);
    close(other);
}

static void nonsense_is_refused(void **state)
{
    struct file *file = *state;
    for (size_t length = 1; length < file->offer.length; length++) {
        struct file cut = *file;
        int error = 0;
        cut.offer.length = length;
        assert_null(sharing_accept(offer_of(&cut), REALM, &error));
        assert_int_equal(error, ERR_MALFORMED);
    }
    buffer_clear(&file->offer);
    pack_array(&file->offer, 6);
    for (int i = 0; i < 5; i++)
        pack_uint(&file->offer, REALM);
    pack_uint(&file->offer, UINT64_MAX); /* no file is that large */
    expect_refusal(file, ERR_MALFORMED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_file, close_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(another_process_reads_the_same),
        TEST(the_readers_own_stays_its_own),
        TEST(nothing_is_read_in_another_realm_or_without_an_offer),
        TEST(a_file_that_is_gone_or_another_is_not_read),
        TEST(nonsense_is_refused),
    };
    return cmocka_run_group_tests_name("sharing", tests, NULL, NULL);
}
