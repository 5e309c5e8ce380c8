/* One process, and how many others it can be connected to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "common/bus/link.h"

/* More than ZeroMQ's own limit, and than the descriptors that a process usually begins with. */
enum { PEERS = 1500 };

static void a_process_may_have_many_peers(void **state)
{
    (void)state;
    static struct link *links[PEERS];
    struct rlimit files;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_max < 3 * PEERS)
        skip();
    files.rlim_cur = 1024;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    int error;
    struct bus *bus = bus_new(&error);
    for (int i = 0; i < PEERS; i++) {
        links[i] = link_new(bus, "ipc:///nowhere/inbox", "", 2, &error);
        assert_non_null(links[i]);
    }
    for (int i = 0; i < PEERS; i++)
        link_free(&links[i], 0);
    bus_free(&bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_may_have_many_peers),
    };
    return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
