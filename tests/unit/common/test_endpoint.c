/* Where inboxes are bound, and where others are told to reach them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/bus/endpoint.h"

static const char LOBBY[] = "ipc:///run/pipe/lobby";

static void bound(const char *given, enum endpoint_inbox inbox, const char *want)
{
    char out[PRESENCE_ENDPOINT] = "";
    int error = endpoint_of(given, LOBBY, "sink-1", inbox, out);
    assert_int_equal(error, want ? 0 : ERR_USAGE);
    if (want)
        assert_string_equal(out, want);
}

static void inboxes_are_bound_where_it_is_said(void **state)
{
    (void)state;
    bound("ipc:///tmp/x", ENDPOINT_DATA, "ipc:///tmp/x.data");
    bound("ipc:///tmp/x", ENDPOINT_CONTROL, "ipc:///tmp/x.control");
    bound("tcp://10.0.0.1:5700", ENDPOINT_DATA, "tcp://10.0.0.1:5700");
    bound("tcp://10.0.0.1:5700", ENDPOINT_CONTROL, "tcp://10.0.0.1:5701");
    bound("tcp://10.0.0.1:*", ENDPOINT_CONTROL, "tcp://10.0.0.1:*");
    bound("tcp://10.0.0.1", ENDPOINT_DATA, "tcp://10.0.0.1:*");
    bound("tcp://[2001:db8::1]", ENDPOINT_DATA, "tcp://[2001:db8::1]:*");
    bound("tcp://[2001:db8::1]:65534", ENDPOINT_CONTROL, "tcp://[2001:db8::1]:65535");
    static const char *const wrong[] = {"tcp://:5",     "tcp://h:0",  "tcp://h:65535", "tcp://h:5x",
                                        "tcp://h:-5",   "tcp://h: 5", "udp://h:5",     "h:5",
                                        "tcp://h:1e3", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        bound(wrong[i], ENDPOINT_DATA, NULL);
}

static void an_endpoint_is_a_file_or_a_port_of_a_host(void **state)
{
    (void)state;
    static const char *const right[] = {"ipc:///tmp/x", "tcp://h:1", "tcp://h:65535",
                                        "tcp://[2001:db8::1]:5600"};
    static const char *const wrong[] = {"tcp://h:65536", "tcp://h:99999", "tcp://h:0",
                                        "tcp://h:18446744073709551617", "tcp://h:", "tcp://h",
                                        "tcp://:5", "tcp://h:5x", "h:5", "inproc://x", ""};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_int_equal(endpoint_check(right[i], true), 0);
        assert_int_equal(endpoint_check(right[i], false), 0);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(endpoint_check(wrong[i], true), ERR_USAGE);
        assert_int_equal(endpoint_check(wrong[i], false), ERR_USAGE);
    }
    assert_int_equal(endpoint_check("tcp://h:*", false), 0);
    assert_int_equal(endpoint_check("tcp://h:*", true), ERR_USAGE);
}

static void without_a_word_they_lie_beside_the_lobby(void **state)
{
    (void)state;
    char want[PRESENCE_ENDPOINT], out[PRESENCE_ENDPOINT];
    snprintf(want, sizeof want, "ipc:///run/pipe/sink-1.%d.data", (int)getpid());
    bound(NULL, ENDPOINT_DATA, want);
    assert_int_equal(endpoint_of(NULL, "tcp://127.0.0.1:5600", "x", ENDPOINT_DATA, out), 0);
    assert_string_equal(out, "tcp://127.0.0.1:*");
    static const char *const wrong[] = {"lobby", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://:1",
                                        "tcp://127.0.0.1:65536"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(endpoint_of(NULL, wrong[i], "x", ENDPOINT_DATA, out), ERR_USAGE);
}

static void shown(const char *advertise, const char *at, enum endpoint_inbox inbox,
                  const char *want)
{
    char out[PRESENCE_ENDPOINT] = "";
    int error = endpoint_advertised(advertise, at, inbox, out);
    assert_int_equal(error, want ? 0 : ERR_USAGE);
    if (want)
        assert_string_equal(out, want);
}

static void others_are_told_what_is_advertised(void **state)
{
    (void)state;
    static const char all[] = "tcp://0.0.0.0:4000";
    shown(NULL, "tcp://10.0.0.1:4000", ENDPOINT_DATA, "tcp://10.0.0.1:4000");
    shown(NULL, "ipc:///tmp/x.data", ENDPOINT_DATA, "ipc:///tmp/x.data");
    shown("tcp://edge.example", all, ENDPOINT_DATA, "tcp://edge.example:4000");
    shown("tcp://edge.example:*", all, ENDPOINT_CONTROL, "tcp://edge.example:4000");
    shown("tcp://edge.example:700", all, ENDPOINT_DATA, "tcp://edge.example:700");
    shown("tcp://edge.example:700", all, ENDPOINT_CONTROL, "tcp://edge.example:701");
    shown("tcp://[2001:db8::1]", "tcp://[::]:4000", ENDPOINT_DATA, "tcp://[2001:db8::1]:4000");
}

static void nobody_is_told_what_leads_nowhere(void **state)
{
    (void)state;
    shown(NULL, "tcp://0.0.0.0:4000", ENDPOINT_DATA, NULL);
    shown(NULL, "tcp://[::]:4000", ENDPOINT_DATA, NULL);
    shown("tcp://0.0.0.0", "tcp://10.0.0.1:4000", ENDPOINT_DATA, NULL);
    shown("tcp://*", "tcp://0.0.0.0:4000", ENDPOINT_DATA, NULL);
    shown("ipc:///tmp/x", "tcp://0.0.0.0:4000", ENDPOINT_DATA, NULL);
    shown("tcp://edge.example", "ipc:///tmp/x.data", ENDPOINT_DATA, NULL);
    shown("edge.example", "tcp://0.0.0.0:4000", ENDPOINT_DATA, NULL);
    shown("tcp://edge.example:x", "tcp://0.0.0.0:4000", ENDPOINT_DATA, NULL);
}

static void what_is_near_is_told_from_what_is_not(void **state)
{
    (void)state;
    assert_true(endpoint_is_near("tcp://127.0.0.1:1"));
    assert_true(endpoint_is_near("tcp://127.1.2.3:*"));
    assert_true(endpoint_is_near("tcp://localhost:1"));
    assert_true(endpoint_is_near("tcp://[::1]:1"));
    assert_true(endpoint_is_near("ipc:///tmp/x"));
    assert_false(endpoint_is_near("tcp://127.example.org:1"));
    assert_false(endpoint_is_near("tcp://0.0.0.0:1"));
    assert_false(endpoint_is_near("tcp://*:1"));
    assert_false(endpoint_is_near("tcp://10.0.0.1:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inboxes_are_bound_where_it_is_said),
        cmocka_unit_test(an_endpoint_is_a_file_or_a_port_of_a_host),
        cmocka_unit_test(without_a_word_they_lie_beside_the_lobby),
        cmocka_unit_test(others_are_told_what_is_advertised),
        cmocka_unit_test(nobody_is_told_what_leads_nowhere),
        cmocka_unit_test(what_is_near_is_told_from_what_is_not),
    };
    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
