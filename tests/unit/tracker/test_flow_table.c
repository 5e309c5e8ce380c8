/* The flow table: found both ways, kept apart, and whole after many comings and goings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "stages/tracker/flow_table.h"

enum { MANY = 20000 };

static struct packet packet(uint32_t from, uint16_t sport, uint32_t to, uint16_t dport,
                            uint8_t protocol)
{
    struct packet p = {.version = 4, .protocol = protocol, .sound = true};
    uint8_t source[4] = {10, (uint8_t)(from >> 16), (uint8_t)(from >> 8), (uint8_t)from};
    uint8_t destination[4] = {10, (uint8_t)(to >> 16), (uint8_t)(to >> 8), (uint8_t)to};
    p.source = address_from(source, 4);
    p.destination = address_from(destination, 4);
    p.source_port = sport;
    p.destination_port = dport;
    return p;
}

static struct flow *find(struct flow_table *table, const struct packet *p, int *direction)
{
    return flow_table_find(table, flow_table_hash(table, p), p, NULL, direction);
}

static struct flow *add(struct flow_table *table, const struct packet *p, bool initiator,
                        uint64_t id)
{
    return flow_table_add(table, flow_table_hash(table, p), p, initiator, id);
}

static void test_both_directions(void **state)
{
    (void)state;
    struct flow_table *table = flow_table_new(3);
    struct packet there = packet(1, 1000, 2, 80, 6), back = packet(2, 80, 1, 1000, 6);
    int direction = -1;
    assert_null(find(table, &there, &direction));
    struct flow *flow = add(table, &there, false, 9);
    assert_int_equal(flow->figures.port[FROM_RESPONDER], 1000);
    assert_ptr_equal(find(table, &there, &direction), flow);
    assert_int_equal(direction, FROM_RESPONDER);
    assert_ptr_equal(find(table, &back, &direction), flow);
    assert_int_equal(direction, FROM_INITIATOR);
    assert_ptr_equal(flow_table_by_id(table, 9), flow);
    assert_null(flow_table_by_id(table, 8));
    flow_table_remove(table, flow);
    assert_null(find(table, &back, &direction));
    assert_null(flow_table_by_id(table, 9));
    flow_table_free(&table);
    assert_null(table);
    flow_table_free(&table);
}

static void test_what_makes_another_flow(void **state)
{
    (void)state;
    struct flow_table *table = flow_table_new(3);
    struct packet first = packet(1, 1000, 2, 80, 6);
    struct packet others[] = {
        packet(1, 1001, 2, 80, 6),  packet(1, 1000, 2, 81, 6), packet(3, 1000, 2, 80, 6),
        packet(1, 1000, 2, 80, 17), packet(1, 80, 2, 1000, 6), packet(2, 1000, 1, 80, 6),
    };
    int direction;
    add(table, &first, true, 1);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_null(find(table, &others[i], &direction));
    flow_table_free(&table);
}

static void test_one_host_with_itself(void **state)
{
    (void)state;
    struct flow_table *table = flow_table_new(3);
    struct packet one = packet(1, 1000, 1, 80, 6), two = packet(1, 80, 1, 1000, 6);
    struct packet same = packet(1, 7, 1, 7, 6);
    int direction;
    struct flow *flow = add(table, &one, true, 1);
    assert_ptr_equal(find(table, &two, &direction), flow);
    assert_int_equal(direction, FROM_RESPONDER);
    flow = add(table, &same, true, 2);
    assert_ptr_equal(find(table, &same, &direction), flow);
    assert_int_equal(direction, FROM_INITIATOR);
    flow_table_free(&table);
}

/* What was fetched ahead may have ended, and another flow lie there, when it is asked for. */
static void test_likely(void **state)
{
    (void)state;
    struct flow_table *table = flow_table_new(3);
    struct packet first = packet(1, 1000, 2, 80, 6), second = packet(3, 1000, 2, 80, 6);
    uint32_t hash = flow_table_hash(table, &first);
    int direction;
    assert_null(flow_table_fetch(table, hash));
    struct flow *flow = add(table, &first, true, 1), *likely = flow_table_fetch(table, hash);
    assert_ptr_equal(likely, flow);
    assert_ptr_equal(flow_table_find(table, hash, &first, likely, &direction), flow);
    flow_table_remove(table, flow);
    assert_null(flow_table_find(table, hash, &first, likely, &direction));
    flow = add(table, &second, true, 2);
    assert_ptr_equal(flow, likely);
    assert_null(flow_table_find(table, hash, &first, likely, &direction));
    assert_non_null(add(table, &first, true, 3));
    assert_int_equal(flow_table_find(table, hash, &first, likely, &direction)->id, 3);
    flow_table_free(&table);
}

static void test_due(void **state)
{
    (void)state;
    struct flow_table *table = flow_table_new(3);
    struct packet first = packet(1, 1000, 2, 80, 6), second = packet(3, 1000, 2, 80, 6);
    struct flow *flow = add(table, &first, true, 1);
    uint32_t slot = flow->slot;
    assert_null(flow_table_due(table, slot, INT64_MAX));
    flow_table_set_due(table, flow, 7);
    assert_null(flow_table_due(table, slot, 7));
    assert_ptr_equal(flow_table_due(table, slot, 8), flow);
    flow_table_remove(table, flow);
    assert_null(flow_table_due(table, slot, INT64_MAX));
    flow = add(table, &second, true, 2);
    assert_int_equal(flow->slot, slot);
    assert_null(flow_table_due(table, slot, INT64_MAX));
    flow_table_free(&table);
}

static void test_comings_and_goings(void **state)
{
    (void)state;
    struct flow_table *table = flow_table_new(3);
    bool *open = calloc(MANY, sizeof *open);
    uint64_t seed = 1;
    uint32_t count = 0;
    int direction;
    for (int i = 0; i < 10 * MANY; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t n = (uint32_t)(seed >> 33) % MANY;
        struct packet p = packet(n, 1000, 70000, 80, n % 2 ? 6 : 17);
        struct flow *flow = find(table, &p, &direction);
        assert_int_equal(flow != NULL, open[n]);
        if (flow) {
            assert_ptr_equal(flow_table_by_id(table, n + 1), flow);
            flow_table_remove(table, flow);
        } else {
            assert_non_null(add(table, &p, true, n + 1));
        }
        open[n] = !open[n];
        count += open[n] ? 1 : UINT32_MAX;
        assert_int_equal(flow_table_count(table), count);
    }
    assert_true(flow_table_slots(table) <= MANY);
    uint32_t seen = 0;
    for (uint32_t slot = 0; slot < flow_table_slots(table); slot++)
        seen += flow_table_slot(table, slot) != NULL;
    assert_int_equal(seen, count);
    free(open);
    flow_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_what_makes_another_flow),
        cmocka_unit_test(test_one_host_with_itself),
        cmocka_unit_test(test_likely),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_comings_and_goings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
