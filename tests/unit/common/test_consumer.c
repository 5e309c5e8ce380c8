/* What a consumer reads in a record, and how it knows what it missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/consumer/heads.h"
#include "common/wire/pack.h"

static void gaps_are_what_was_missed(void **state)
{
    (void)state;
    static struct heads h;
    h = (struct heads){0};
    heads_arrived(&h, "a", "http", 7);
    heads_arrived(&h, "a", "http", 8);
    assert_int_equal(heads_missed(&h, ""), 0);
    heads_arrived(&h, "a", "http", 12);
    heads_arrived(&h, "a", "dns", 40);
    heads_arrived(&h, "b", "http", 1); /* a restarted sink counts anew */
    assert_int_equal(heads_missed(&h, "http"), 3);
    heads_told(&h, "a", "http", 14, false);
    heads_told(&h, "a", "http", 14, false);
    assert_int_equal(heads_missed(&h, "ht"), 5);
    assert_int_equal(heads_missed(&h, "dns"), 0);
    heads_arrived(&h, "a", "http", 15);
    assert_int_equal(heads_missed(&h, ""), 5);
}

static void figures_begin_a_count_where_the_subscription_was_in_force(void **state)
{
    (void)state;
    static struct heads h;
    h = (struct heads){0};
    heads_told(&h, "a", "http", 0, true);
    heads_told(&h, "a", "dns", 9, false);
    heads_arrived(&h, "a", "http", 3);
    heads_arrived(&h, "a", "dns", 12);
    assert_int_equal(heads_missed(&h, "http"), 2);
    assert_int_equal(heads_missed(&h, "dns"), 0);
}

static void more_sinks_than_fit_are_forgotten(void **state)
{
    (void)state;
    static struct heads h;
    char sink[SINK_ID_MAX];
    h = (struct heads){0};
    for (int i = 0; i < 3 * HEADS_MAX; i++) {
        snprintf(sink, sizeof sink, "%x", (unsigned)i);
        heads_arrived(&h, "kept", "http", (uint64_t)i + 1);
        heads_arrived(&h, sink, "http", 1);
    }
    assert_int_equal(h.count, HEADS_MAX);
    heads_arrived(&h, "kept", "http", 3 * HEADS_MAX + 2);
    assert_int_equal(heads_missed(&h, ""), 1);
}

static struct buffer map;

static struct tapline_record record_with_every_type(void)
{
    buffer_clear(&map);
    pack_map(&map, 7);
    pack_str(&map, "text");
    pack_str(&map, "edge.example");
    pack_str(&map, "int");
    pack_int(&map, -5);
    pack_str(&map, "double");
    pack_double(&map, 1.5);
    pack_str(&map, "time");
    pack_time(&map, INT64_C(1689346934000123456));
    pack_str(&map, "nil");
    pack_nil(&map);
    pack_str(&map, "bool");
    pack_bool(&map, true);
    pack_str(&map, "list");
    pack_array(&map, 2);
    pack_str(&map, "one");
    pack_map(&map, 1);
    pack_str(&map, "two");
    pack_uint(&map, 2);
    return (struct tapline_record){"http", {map.bytes, map.length}};
}

static void getters_give_what_is_of_their_type(void **state)
{
    (void)state;
    const struct tapline_record r = record_with_every_type();
    const char *text;
    size_t length;
    int64_t number;
    double real = 0;
    bool truth = false;
    assert_string_equal(tapline_topic(&r), "http");
    assert_true(tapline_text(tapline_get(&r, "text"), &text, &length));
    assert_int_equal(length, 12);
    assert_memory_equal(text, "edge.example", 12);
    assert_true(tapline_int(tapline_get(&r, "int"), &number));
    assert_int_equal(number, -5);
    assert_true(tapline_double(tapline_get(&r, "double"), &real) && real == 1.5);
    assert_true(tapline_double(tapline_get(&r, "int"), &real) && real == -5);
    assert_true(tapline_time(tapline_get(&r, "time"), &number));
    assert_true(number == INT64_C(1689346934000123456));
    assert_true(tapline_bool(tapline_get(&r, "bool"), &truth) && truth);
    assert_int_equal(tapline_type_of(tapline_get(&r, "nil")), TAPLINE_NIL);
    assert_int_equal(tapline_type_of(tapline_get(&r, "none")), TAPLINE_NONE);
    number = 77;
    assert_false(tapline_int(tapline_get(&r, "text"), &number));
    assert_false(tapline_time(tapline_get(&r, "none"), &number));
    assert_false(tapline_text(tapline_get(&r, "nil"), &text, &length));
    assert_int_equal(number, 77);
}

static void items_are_walked_in_order(void **state)
{
    (void)state;
    const struct tapline_record r = record_with_every_type();
    struct tapline_items items = tapline_items(tapline_get(&r, "list"));
    struct tapline_value name, value, inner;
    const char *text;
    size_t length;
    int64_t number;
    assert_true(tapline_item(&items, &name, &value));
    assert_int_equal(tapline_type_of(name), TAPLINE_NONE);
    assert_true(tapline_text(value, &text, &length) && length == 3);
    assert_true(tapline_item(&items, NULL, &value));
    assert_int_equal(tapline_type_of(value), TAPLINE_MAP);
    struct tapline_items pairs = tapline_items(value);
    assert_true(tapline_item(&pairs, &name, &inner));
    assert_true(tapline_text(name, &text, &length) && memcmp(text, "two", 3) == 0);
    assert_true(tapline_int(inner, &number) && number == 2);
    assert_false(tapline_item(&pairs, &name, &inner));
    assert_false(tapline_item(&items, NULL, &value));
    items = tapline_items(tapline_get(&r, "text"));
    assert_false(tapline_item(&items, NULL, &value));
}

static void bytes_that_end_early_end_the_walk(void **state)
{
    (void)state;
    const struct tapline_record whole = record_with_every_type();
    for (size_t length = 0; length < whole.map.length; length++) {
        struct tapline_items items = tapline_items((struct tapline_value){whole.map.bytes, length});
        struct tapline_value name, value;
        int count = 0;
        while (tapline_item(&items, &name, &value))
            count++;
        assert_true(count < 7);
    }
    buffer_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_are_what_was_missed),
        cmocka_unit_test(figures_begin_a_count_where_the_subscription_was_in_force),
        cmocka_unit_test(more_sinks_than_fit_are_forgotten),
        cmocka_unit_test(getters_give_what_is_of_their_type),
        cmocka_unit_test(items_are_walked_in_order),
        cmocka_unit_test(bytes_that_end_early_end_the_walk),
    };
    return cmocka_run_group_tests_name("consumer", tests, NULL, NULL);
}
