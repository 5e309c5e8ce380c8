/* The progress line: its figures, how it shrinks, and what reaches the terminal when. */
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "stages/reader/progress.h"

static const uint64_t SECOND = 1000000000;

static const char *line(unsigned width, uint64_t packets, uint64_t done, uint64_t size,
                        uint64_t elapsed_ns)
{
    static char text[300];
    struct progress_figures figures = {packets, done, size, elapsed_ns};
    size_t length = progress_line(text, sizeof text, width, &figures);
    assert_int_equal(length, strlen(text));
    assert_true(length <= width);
    return text;
}

static void shows_the_share_where_the_size_is_known(void **state)
{
    (void)state;
    assert_string_equal(line(66, 1234567, 42, 100, 3 * SECOND / 2),
                        " 42% [==========>              ] 1.2 M packets, 823 k/s, 0:02 left");
    assert_string_equal(line(52, 0, 0, 100, 0),
                        "  0% [>                  ] 0 packets, 0/s, -:-- left");
    assert_string_equal(line(52, 7, 100, 100, SECOND),
                        "100% [===================] 7 packets, 7/s, 0:00 left");
    assert_string_equal(line(52, 7, 130, 100, SECOND),
                        "100% [===================] 7 packets, 7/s, 0:00 left");
}

static void leaves_out_what_does_not_fit(void **state)
{
    (void)state;
    assert_string_equal(line(44, 1234567, 42, 100, SECOND),
                        " 42% 1.2 M packets, 1.2 M/s, 0:01 left");
    assert_string_equal(line(20, 1234567, 42, 100, SECOND), " 42% 0:01 left");
    assert_string_equal(line(5, 1234567, 42, 100, SECOND), " 42%");
    assert_string_equal(line(3, 1234567, 42, 100, SECOND), "");
    for (unsigned width = 0; width < 400; width++) {
        line(width, UINT64_MAX, UINT64_MAX / 2, UINT64_MAX, UINT64_MAX);
        line(width, UINT64_MAX, UINT64_MAX, 0, 1);
    }
}

static void shows_bytes_where_the_size_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(line(80, 999, 950, 0, 10 * SECOND),
                        "999 packets, 950 B, 100/s, 0:10 so far");
    assert_string_equal(line(80, 999999, 310400000, 0, 100 * SECOND),
                        "1.0 M packets, 310 MB, 10 k/s, 1:40 so far");
    assert_string_equal(line(30, 9949, 310400000, 0, SECOND), "9.9 k packets, 9.9 k/s");
    assert_string_equal(line(16, 9950, 310400000, 0, SECOND), "10 k packets");
}

static void says_hours_where_it_takes_hours(void **state)
{
    (void)state;
    assert_string_equal(line(40, 10, 1, 100, 100 * SECOND), "  1% 10 packets, 0/s, 2:45:00 left");
    assert_string_equal(line(40, 10, 1, UINT64_MAX, 100 * SECOND),
                        "  0% 10 packets, 0/s, 99:59:59 left");
}

/* ---- on a terminal -------------------------------------------------------------------------- */

static int terminal, screen; /* what is written to, and where it can be read */

static int open_terminal(void **state)
{
    (void)state;
    struct winsize window = {.ws_col = 61, .ws_row = 24};
    setenv("TERM", "xterm", 1);
    if (openpty(&screen, &terminal, NULL, NULL, &window) != 0)
        return -1;
    return fcntl(screen, F_SETFL, O_NONBLOCK);
}

static int close_terminal(void **state)
{
    (void)state;
    close(terminal);
    return close(screen);
}

static const char *seen(void)
{
    static char text[1000];
    ssize_t got = read(screen, text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    return text;
}

static void draws_at_most_ten_times_a_second(void **state)
{
    (void)state;
    struct progress *progress = progress_new(terminal, false, 5 * SECOND);
    assert_non_null(progress);
    progress_show(progress, 1, 50, 100, 5 * SECOND + 99999999);
    assert_string_equal(seen(), "");
    progress_show(progress, 1000, 50, 100, 6 * SECOND);
    assert_string_equal(seen(),
                        "\r\033[K 50% [=========>         ] 1.0 k packets, 1.0 k/s, 0:01 left");
    progress_show(progress, 2000, 60, 100, 6 * SECOND + 99999999);
    assert_string_equal(seen(), "");
    progress_show(progress, 2000, 60, 100, 6 * SECOND + 100000000);
    assert_non_null(strstr(seen(), " 60%"));
    progress_free(&progress);
    assert_string_equal(seen(), "\r\033[K");
    assert_null(progress);
}

static void clears_once(void **state)
{
    (void)state;
    struct progress *progress = progress_new(terminal, false, 0);
    progress_clear(progress);
    assert_string_equal(seen(), "");
    progress_show(progress, 1, 50, 100, SECOND);
    assert_true(*seen());
    progress_clear(progress);
    assert_string_equal(seen(), "\r\033[K");
    progress_free(&progress);
    assert_string_equal(seen(), "");
}

static void is_silent_where_nobody_looks(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_null(progress_new(ends[1], false, 0));
    assert_null(progress_new(terminal, true, 0));
    setenv("TERM", "dumb", 1);
    assert_null(progress_new(terminal, false, 0));
    struct progress *none = NULL;
    progress_show(none, 1, 50, 100, SECOND);
    progress_clear(none);
    progress_free(&none);
    assert_string_equal(seen(), "");
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_the_share_where_the_size_is_known),
        cmocka_unit_test(leaves_out_what_does_not_fit),
        cmocka_unit_test(shows_bytes_where_the_size_is_unknown),
        cmocka_unit_test(says_hours_where_it_takes_hours),
        cmocka_unit_test_setup_teardown(draws_at_most_ten_times_a_second, open_terminal,
                                        close_terminal),
        cmocka_unit_test_setup_teardown(clears_once, open_terminal, close_terminal),
        cmocka_unit_test_setup_teardown(is_silent_where_nobody_looks, open_terminal,
                                        close_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
