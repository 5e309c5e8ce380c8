/* The lifeline: who started this process is gone, and it must hear of that wherever it waits. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/bus/pulse.h"

enum { PATIENCE_S = 60 };

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals = signals + 1;
}

static void the_end_of_the_lifeline_is_signalled_again_and_again(void **state)
{
    (void)state;
    const struct sigaction count = {.sa_handler = on_signal};
    const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
    int error, lifeline[2];
    struct bus *bus = bus_new(&error);
    assert_int_equal(sigaction(SIGHUP, &count, NULL), 0);
    assert_int_equal(pipe(lifeline), 0);
    const struct pulse_options options = {.lifeline = lifeline[0]};
    struct pulse *pulse = pulse_new(bus, &options, &error);
    assert_non_null(pulse);
    assert_int_equal(signals, 0);
    close(lifeline[1]);
    time_t deadline = time(NULL) + PATIENCE_S;
    while (signals < 2 && time(NULL) < deadline)
        nanosleep(&moment, NULL);
    assert_true(signals >= 2);
    pulse_free(&pulse);
    bus_free(&bus);
    close(lifeline[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_the_lifeline_is_signalled_again_and_again),
    };
    return cmocka_run_group_tests_name("pulse", tests, NULL, NULL);
}
