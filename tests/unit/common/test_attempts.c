/* Which attempts a process takes part in, and which it knows to be over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/bus/attempts.h"

static struct bus *bus;
static struct session_host host;
static int ended;

static void end(void **core)
{
    ended++;
    *core = NULL;
}

static struct session *begin(struct attempts *attempts, uint64_t capture, uint64_t attempt)
{
    static const uint8_t empty[] = {0x90};
    const struct capture document = {
        .sources = {empty, 1}, .trackers = {empty, 1}, .limits = LIMITS_DEFAULT};
    const struct message_head head = {.capture = capture, .attempt = attempt};
    struct buffer packed = {0};
    int error;
    capture_pack(&packed, &document);
    struct session *session =
        session_new(&host, &head, (struct slice){packed.bytes, packed.length}, &error);
    assert_non_null(session);
    buffer_free(&packed);
    session_set_core(session, attempts);
    assert_int_equal(attempts_add(attempts, session), 0);
    return session;
}

static int open_bus(void **state)
{
    (void)state;
    int error;
    bus = bus_new(&error);
    host = (struct session_host){.bus = bus, .peers = peers_new(bus, 1), .now = clock_monotonic};
    ended = 0;
    return error;
}

static int close_bus(void **state)
{
    (void)state;
    peers_free(&host.peers, 0);
    bus_free(&bus);
    return 0;
}

static void a_release_ends_the_attempts_up_to_it(void **state)
{
    (void)state;
    struct attempts *attempts = attempts_new(end);
    begin(attempts, 7, 1);
    begin(attempts, 7, 2);
    struct session *third = begin(attempts, 7, 3);
    struct session *other = begin(attempts, 8, 1);
    attempts_release(attempts, 7, 2);
    assert_int_equal(ended, 2);
    assert_int_equal(attempts_count(attempts), 2);
    assert_ptr_equal(attempts_find(attempts, 7, 3), third);
    assert_ptr_equal(attempts_find(attempts, 8, 1), other);
    assert_true(attempts_over(attempts, 7, 1));
    assert_true(attempts_over(attempts, 7, 2));
    assert_false(attempts_over(attempts, 7, 3));
    assert_false(attempts_over(attempts, 8, 1));
    attempts_free(&attempts);
    assert_int_equal(ended, 4);
}

static void what_a_sleeper_says_is_known_to_be_over(void **state)
{
    (void)state;
    struct attempts *attempts = attempts_new(end);
    begin(attempts, 7, 2); /* whoever slept still speaks of the first */
    assert_true(attempts_over(attempts, 7, 1));
    attempts_release(attempts, 7, 2);
    assert_true(attempts_over(attempts, 7, 1));
    assert_false(attempts_over(attempts, 7, 3));
    attempts_free(&attempts);
}

static void a_failed_attempt_stays_known_without_its_core(void **state)
{
    (void)state;
    struct attempts *attempts = attempts_new(end);
    struct session *session = begin(attempts, 7, 1);
    attempts_fail(attempts, session);
    assert_int_equal(ended, 1);
    assert_true(session_failed(session));
    assert_null(session_core(session));
    assert_ptr_equal(attempts_find(attempts, 7, 1), session);
    attempts_free(&attempts);
    assert_int_equal(ended, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_release_ends_the_attempts_up_to_it, open_bus, close_bus),
        cmocka_unit_test_setup_teardown(what_a_sleeper_says_is_known_to_be_over, open_bus,
                                        close_bus),
        cmocka_unit_test_setup_teardown(a_failed_attempt_stays_known_without_its_core, open_bus,
                                        close_bus),
    };
    return cmocka_run_group_tests_name("attempts", tests, NULL, NULL);
}
