/* What a source can be opened from, and how it says that it cannot: files, pipes, standard input,
 * compressed content in several pieces, and all that is no capture. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "crafted.h"

static struct given given;

static void add_packets(struct craft *craft, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        pcap_packet(craft, first + i, 0, "payload", 7);
}

static struct craft capture_of(uint32_t packets)
{
    struct craft craft = {0};
    pcap_header(&craft, MICRO, 65535, 1);
    add_packets(&craft, 0, packets);
    return craft;
}

static void joins_gzip_members_and_zstd_frames(void **state)
{
    (void)state;
    struct craft craft = capture_of(6);
    const uint8_t *bytes = craft.bytes.bytes;
    struct buffer gzip = {0}, zstd = {0};
    buffer_append(&zstd, "\x5a\x2a\x4d\x18\3\0\0\0any", 11); /* a frame to be skipped */
    for (size_t at = 0, step = 37; at < craft.bytes.length; at += step) {
        size_t length = craft.bytes.length - at < step ? craft.bytes.length - at : step;
        gzip_append(&gzip, bytes + at, length);
        zstd_append(&zstd, bytes + at, length);
    }
    gzip_append(&gzip, bytes, 0); /* a member may be empty */
    take_from(&given, gzip.bytes, gzip.length);
    assert_int_equal(given.status, ERR_EOF);
    assert_int_equal(given.count, 6);
    take_from(&given, zstd.bytes, zstd.length);
    assert_int_equal(given.status, ERR_EOF);
    assert_int_equal(given.count, 6);
    buffer_free(&gzip);
    buffer_free(&zstd);
    buffer_free(&craft.bytes);
}

static void garbage_behind_compressed_data_is_a_cut(void **state)
{
    (void)state;
    static const char *const garbage[] = {"x", "no more of it"};
    struct craft craft = capture_of(3);
    for (size_t i = 0; i < 4; i++) {
        struct buffer packed = {0};
        (i / 2 ? zstd_append : gzip_append)(&packed, craft.bytes.bytes, craft.bytes.length);
        buffer_append(&packed, garbage[i % 2], strlen(garbage[i % 2]));
        take_from(&given, packed.bytes, packed.length);
        assert_int_equal(given.status, ERR_TRUNCATED);
        assert_int_equal(given.count, 3);
        assert_non_null(strstr(given.fault, "of the file"));
        buffer_free(&packed);
    }
    buffer_free(&craft.bytes);
}

/* Through a pipe that gives a few bytes at a time. */
static void take_dribbled(const struct buffer *bytes, size_t step)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        for (size_t at = 0; at < bytes->length; at += step)
            if (write(ends[1], bytes->bytes + at,
                      bytes->length - at < step ? bytes->length - at : step) < 0)
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    int saved = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    take_frames(&given, "-");
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(ends[0]);
}

static void reads_standard_input_from_a_pipe(void **state)
{
    (void)state;
    struct craft craft = capture_of(9);
    struct buffer gzip = {0}, zstd = {0};
    gzip_append(&gzip, craft.bytes.bytes, craft.bytes.length);
    zstd_append(&zstd, craft.bytes.bytes, craft.bytes.length);
    const struct buffer *all[] = {&craft.bytes, &gzip, &zstd};
    for (size_t i = 0; i < 3; i++) {
        for (size_t step = 1; step < 64; step += 31) {
            take_dribbled(all[i], step);
            assert_int_equal(given.status, ERR_EOF);
            assert_int_equal(given.count, 9);
        }
    }
    buffer_free(&gzip);
    buffer_free(&zstd);
    buffer_free(&craft.bytes);
}

static void assert_refused(const char *bytes, size_t length, const char *why)
{
    take_from(&given, (const uint8_t *)bytes, length);
    assert_int_equal(given.status, ERR_UNREADABLE);
    assert_int_equal(strncmp(given.fault, "/proc/self/fd/", 14), 0);
    assert_non_null(strstr(given.fault, why));
}

static void says_what_is_no_capture(void **state)
{
    (void)state;
    assert_refused("", 0, "it is empty");
    assert_refused("hello\n", 6, "looks like text");
    assert_refused("\xfd"
                   "7zXZ\0\0",
                   7, "an xz file");
    assert_refused("\x7f"
                   "ELF\2\1\1\0\0\0\0\0\0",
                   13, "of no known kind");
    assert_refused("\xd4\xc3\xb2\xa1\2\0\4\0", 8, "within the header of a pcap file");
    assert_refused("\x0a\x0d\x0d\x0a\x1c\0\0\0", 8, "breaks off");
    assert_refused("\x1f\x8b\x08\xff\xff\xff\xff", 7, "gzip");
    struct buffer packed = {0};
    gzip_append(&packed, (const uint8_t *)"not a capture", 13);
    assert_refused((const char *)packed.bytes, packed.length, "looks like text");
    buffer_clear(&packed);
    zstd_append(&packed, (const uint8_t *)"", 0);
    assert_refused((const char *)packed.bytes, packed.length, "empty");
    buffer_free(&packed);
}

static void says_why_it_cannot_open(void **state)
{
    (void)state;
    take_frames(&given, "/nonexistent/capture.pcap");
    assert_int_equal(given.status, ERR_UNREADABLE);
    assert_string_equal(given.fault, "/nonexistent/capture.pcap: No such file or directory");
    take_frames(&given, "/proc");
    assert_int_equal(given.status, ERR_UNREADABLE);
    assert_non_null(strstr(given.fault, "Is a directory"));

    struct rlimit before, few;
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &few);
    take_frames(&given, "/proc/version");
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(given.status, ERR_LIMIT);
    assert_non_null(strstr(given.fault, "raise the limit"));
}

static void tells_how_far_it_is(void **state)
{
    (void)state;
    struct craft craft = capture_of(5);
    struct buffer packed = {0};
    gzip_append(&packed, craft.bytes.bytes, craft.bytes.length);
    int fd, error;
    char fault[256];
    uint64_t done, size;
    struct frame frame;
    struct source *source =
        source_open(path_of(packed.bytes, packed.length, &fd), NULL, NULL, fault, sizeof fault,
                    &error);
    source_position(source, &done, &size);
    assert_int_equal(size, packed.length);
    assert_true(done > 0 && done <= size);
    while (source_next(source, &frame) == 0)
        continue;
    source_position(source, &done, &size);
    assert_int_equal(done, packed.length);
    source_free(&source);
    source_free(&source);
    close(fd);
    buffer_free(&packed);
    buffer_free(&craft.bytes);
}

static void do_nothing(int signal)
{
    (void)signal;
}

static void a_signal_ends_the_wait(void **state)
{
    (void)state;
    int ends[2], error;
    char path[64], fault[256];
    struct craft craft = capture_of(1);
    struct frame frame;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], craft.bytes.bytes, craft.bytes.length), craft.bytes.length);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    struct source *source = source_open(path, NULL, NULL, fault, sizeof fault, &error);
    assert_non_null(source);
    struct sigaction action = {.sa_handler = do_nothing};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval soon = {.it_value = {.tv_usec = 20000}, .it_interval = {.tv_usec = 20000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    while ((error = source_next(source, &frame)) == 0)
        continue;
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    assert_int_equal(error, ERR_STOPPED);
    source_free(&source);
    close(ends[0]);
    close(ends[1]);
    buffer_free(&craft.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_gzip_members_and_zstd_frames),
        cmocka_unit_test(garbage_behind_compressed_data_is_a_cut),
        cmocka_unit_test(reads_standard_input_from_a_pipe),
        cmocka_unit_test(says_what_is_no_capture),
        cmocka_unit_test(says_why_it_cannot_open),
        cmocka_unit_test(tells_how_far_it_is),
        cmocka_unit_test(a_signal_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
