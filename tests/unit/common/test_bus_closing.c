/* A process that is done ends, whatever a socket does: bus_free has a limit, and a shorter one
 * after a signal to stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <zmq.h>
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/bus/bus.h"
#include "common/bus/signals.h"

#define SECOND INT64_C(1000000000)

static int64_t limit_ns; /* what bus_free would wait */

/* Stands in the place of the C library's, so that no test has to wait for ten minutes: the limit is
 * noted, and is over. */
int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until)
{
    (void)thread, (void)result;
    limit_ns = (int64_t)until->tv_sec * SECOND + until->tv_nsec - clock_wall();
    return ETIMEDOUT;
}

/* Frees a bus on which a socket is still open; how long the closing would have been waited for. */
static int64_t limit_of_closing(void)
{
    int error;
    struct bus *bus = bus_new(&error);
    assert_int_equal(error, 0);
    void *left_open = zmq_socket(bus_context(bus), ZMQ_PULL);
    limit_ns = 0;
    bus_free(&bus);
    assert_null(bus);
    zmq_close(left_open); /* so that nothing outlives the test */
    return limit_ns;
}

static void a_socket_that_does_not_close_is_left_after_ten_minutes(void **state)
{
    (void)state;
    int64_t limit = limit_of_closing(); /* less what a busy machine took to get there */
    assert_true(limit > 10 * SECOND && limit <= 600 * SECOND);
}

static void who_was_told_to_stop_leaves_it_after_ten_seconds(void **state)
{
    (void)state;
    assert_int_equal(signals_open(), 0);
    raise(SIGINT);
    assert_true(signals_stop());
    assert_true(limit_of_closing() <= 10 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = { /* in this order: nothing takes a signal back */
        cmocka_unit_test(a_socket_that_does_not_close_is_left_after_ten_minutes),
        cmocka_unit_test(who_was_told_to_stop_leaves_it_after_ten_seconds),
    };
    return cmocka_run_group_tests_name("bus closing", tests, NULL, NULL);
}
