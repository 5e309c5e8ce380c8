/* Several captures as one: order, ties, files that break off, many files, few descriptors. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "crafted.h"
#include "stages/reader/merge.h"

static const int64_t SECOND = 1000000000;

static char folder[] = "/tmp/tapline-merge-XXXXXX";

enum { MOST_PATHS = 400 };
static char paths[MOST_PATHS][64];
static const char *path_list[MOST_PATHS];

/* A capture at paths[index] with one packet for every time (seconds; the first 0 ends them). */
static void write_capture(size_t index, const char *payload, const uint32_t *seconds)
{
    struct craft craft = {0};
    pcap_header(&craft, MICRO, 65535, (uint32_t)(index < 100 ? index + 1 : 1));
    for (; *seconds; seconds++)
        pcap_packet(&craft, *seconds, 0, payload, 60);
    snprintf(paths[index], sizeof paths[index], "%s/%zu.pcap", folder, index);
    path_list[index] = paths[index];
    FILE *file = fopen(paths[index], "wb");
    assert_int_equal(fwrite(craft.bytes.bytes, 1, craft.bytes.length, file), craft.bytes.length);
    fclose(file);
    buffer_free(&craft.bytes);
}

#define WRITE(index, payload, ...) write_capture(index, payload, (const uint32_t[]){__VA_ARGS__, 0})

static struct merge *open_merge(size_t count)
{
    char fault[256] = "";
    int error;
    struct merge *merge =
        merge_open(path_list, count, NULL, NULL, fault, sizeof fault, &error);
    assert_string_equal(fault, "");
    assert_int_equal(error, 0);
    return merge;
}

/* The payloads of all frames in a row, and that numbers and link types are right. */
static const char *run(struct merge *merge, int expected)
{
    static char all[1024];
    size_t length = 0;
    struct frame *frame;
    uint64_t number = 0;
    int status;
    while ((status = merge_next(merge, &frame)) == 0) {
        assert_int_equal(frame->number, ++number);
        assert_int_equal(frame->link, frame->bytes[0] - 'a' + 1);
        memcpy(all + length, frame->bytes, frame->length);
        length += frame->length;
    }
    assert_int_equal(status, expected);
    assert_int_equal(merge_next(merge, &frame), expected);
    all[length] = '\0';
    return all;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < MOST_PATHS; i++)
        if (*paths[i])
            unlink(paths[i]);
    return rmdir(folder);
}

static void merges_by_time_and_ties_by_place(void **state)
{
    (void)state;
    WRITE(0, "a", 10, 20, 30);
    WRITE(1, "b", 5, 20, 20, 40);
    WRITE(2, "c", 20);
    WRITE(3, "d", 0);
    struct merge *merge = open_merge(4);
    assert_string_equal(run(merge, ERR_EOF), "baabbcab");
    uint64_t done, size, cuts;
    merge_position(merge, &done, &size);
    assert_int_equal(done, size);
    assert_null(merge_cut(merge, &cuts));
    assert_int_equal(cuts, 0);
    merge_free(&merge);
    assert_null(merge);
    merge_free(&merge);
}

static void each_file_keeps_its_own_order(void **state)
{
    (void)state;
    WRITE(0, "a", 30, 10, 40);
    WRITE(1, "b", 20, 35, 5);
    struct merge *merge = open_merge(2);
    assert_string_equal(run(merge, ERR_EOF), "baabba");
    merge_free(&merge);
}

static void one_file_is_itself(void **state)
{
    (void)state;
    WRITE(0, "a", 30, 10);
    struct merge *merge = open_merge(1);
    assert_string_equal(run(merge, ERR_EOF), "aa");
    merge_free(&merge);
}

static void others_go_on_where_one_breaks_off(void **state)
{
    (void)state;
    WRITE(0, "a", 10, 50);
    WRITE(1, "b", 20, 30, 40);
    WRITE(2, "c", 5);
    assert_int_equal(truncate(paths[1], 24 + 17 + 10), 0);
    assert_int_equal(truncate(paths[2], 24 + 3), 0);
    struct merge *merge = open_merge(3);
    assert_string_equal(run(merge, ERR_TRUNCATED), "aba");
    uint64_t cuts;
    const char *cut = merge_cut(merge, &cuts);
    assert_int_equal(cuts, 2);
    assert_int_equal(strncmp(cut, paths[2], strlen(paths[2])), 0);
    assert_non_null(strstr(cut, "packet 1, "));
    merge_free(&merge);
}

static void refuses_all_where_one_is_no_capture(void **state)
{
    (void)state;
    WRITE(0, "a", 10);
    WRITE(1, "b", 10);
    assert_int_equal(truncate(paths[1], 0), 0);
    char fault[256];
    int error;
    assert_null(merge_open(path_list, 2, NULL, NULL, fault, sizeof fault, &error));
    assert_int_equal(error, ERR_UNREADABLE);
    assert_non_null(strstr(fault, paths[1]));
    assert_non_null(strstr(fault, "empty"));
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1000; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* A rotated capture of more files than a process may have open: they are not, and the soft limit,
 * too low even for those that are, is raised. */
static void many_files_need_few_descriptors(void **state)
{
    (void)state;
    struct rlimit before, few;
    struct frame *frame;
    uint64_t done, size, cuts;
    int descriptors = open_descriptors();
    getrlimit(RLIMIT_NOFILE, &before);
    for (uint32_t i = 0; i < MOST_PATHS; i++)
        write_capture(i, "a", (const uint32_t[]){1000 - i, 1000 - i, 0});
    few = (struct rlimit){.rlim_cur = 20, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    struct merge *merge = open_merge(MOST_PATHS);
    assert_int_equal(open_descriptors(), descriptors + MERGE_KEPT_OPEN);
    merge_position(merge, &done, &size);
    assert_true(done < size);
    int64_t last = 0;
    for (unsigned i = 0; i < 2 * MOST_PATHS; i++) {
        assert_int_equal(merge_next(merge, &frame), 0);
        assert_int_equal(frame->number, i + 1);
        assert_int_equal(frame->time_ns, (1000 - MOST_PATHS + 1 + i / 2) * SECOND);
        assert_true(frame->time_ns >= last);
        last = frame->time_ns;
    }
    assert_int_equal(merge_next(merge, &frame), ERR_EOF);
    assert_null(merge_cut(merge, &cuts));
    merge_position(merge, &done, &size);
    assert_int_equal(done, size);
    merge_free(&merge);
    setrlimit(RLIMIT_NOFILE, &before);
}

static void a_file_that_vanished_is_a_cut(void **state)
{
    (void)state;
    struct frame *frame;
    for (uint32_t i = 0; i < MERGE_KEPT_OPEN + 2; i++)
        write_capture(i, "a", (const uint32_t[]){i + 1, 0});
    struct merge *merge = open_merge(MERGE_KEPT_OPEN + 2);
    unlink(paths[MERGE_KEPT_OPEN]);
    for (unsigned i = 0; i < MERGE_KEPT_OPEN + 1; i++)
        assert_int_equal(merge_next(merge, &frame), 0);
    assert_int_equal(frame->time_ns, (MERGE_KEPT_OPEN + 2) * SECOND);
    assert_int_equal(merge_next(merge, &frame), ERR_TRUNCATED);
    uint64_t cuts;
    assert_non_null(strstr(merge_cut(merge, &cuts), "No such file"));
    assert_int_equal(cuts, 1);
    merge_free(&merge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_by_time_and_ties_by_place),
        cmocka_unit_test(each_file_keeps_its_own_order),
        cmocka_unit_test(one_file_is_itself),
        cmocka_unit_test(others_go_on_where_one_breaks_off),
        cmocka_unit_test(refuses_all_where_one_is_no_capture),
        cmocka_unit_test(many_files_need_few_descriptors),
        cmocka_unit_test(a_file_that_vanished_is_a_cut),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
