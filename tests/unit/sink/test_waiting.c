/* HTTP records that wait for their flows' closes: what goes in comes out, within the bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "stages/sink/waiting.h"

static char seen[4096];

static int note(void *context, uint64_t flow, uint64_t packet, uint32_t order, struct slice map)
{
    (void)context;
    sprintf(seen + strlen(seen), "%d:%d.%d=%.*s ", (int)flow, (int)packet, (int)order,
            (int)map.length, (const char *)map.bytes);
    return 0;
}

static int refuse(void *context, uint64_t flow, uint64_t packet, uint32_t order, struct slice map)
{
    note(context, flow, packet, order, map);
    return ERR_LOST;
}

static int add(struct waiting *w, uint64_t flow, uint64_t packet, uint32_t order, const char *text)
{
    return waiting_add(w, flow, packet, order, (struct slice){(const uint8_t *)text, strlen(text)});
}

static void a_flow_gets_its_own_in_order(void **state)
{
    (void)state;
    struct waiting *w = waiting_new(10000);
    seen[0] = '\0';
    assert_int_equal(add(w, 1, 10, 0, "a"), 0);
    assert_int_equal(add(w, 2, 11, 0, "b"), 0);
    assert_int_equal(add(w, 1, 10, 1, "c"), 0);
    assert_int_equal(waiting_count(w, 1), 2);
    assert_int_equal(waiting_count(w, 3), 0);
    assert_int_equal(waiting_release(w, 1, note, NULL), 0);
    assert_string_equal(seen, "1:10.0=a 1:10.1=c ");
    assert_int_equal(waiting_count(w, 1), 0);
    assert_int_equal(waiting_release(w, 1, note, NULL), 0);
    assert_int_equal(waiting_release_all(w, note, NULL), 0);
    assert_string_equal(seen, "1:10.0=a 1:10.1=c 2:11.0=b ");
    waiting_free(&w);
    assert_null(w);
}

static void room_is_bounded_and_comes_back(void **state)
{
    (void)state;
    struct waiting *w = waiting_new(1000);
    int kept = 0;
    while (add(w, 1, (uint64_t)kept, 0, "twenty bytes of text") == 0)
        kept++;
    assert_in_range(kept, 10, 50);
    assert_int_equal(add(w, 2, 0, 0, "twenty bytes of text"), ERR_LIMIT);
    seen[0] = '\0';
    assert_int_equal(waiting_release(w, 1, refuse, NULL), ERR_LOST); /* and is gone all the same */
    assert_int_equal(waiting_count(w, 1), 0);
    for (int i = 0; i < kept; i++)
        assert_int_equal(add(w, 2, 0, 0, "twenty bytes of text"), 0);
    waiting_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow_gets_its_own_in_order),
        cmocka_unit_test(room_is_bounded_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
