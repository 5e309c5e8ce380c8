/* What is counted for people: exact while it is little, bounded when it is much. */
#include "common/base/error.h"
#include "common/base/jsonw.h"
#include "stages/sink/summary.h"
#include "stages/sink/top.h"
#include "stages/sink/value.h"
#include "tests/unit/sink/attempt.h"

static void counts_exactly_up_to_its_capacity(void **state)
{
    (void)state;
    struct top *top = top_new();
    for (int i = 0; i < TOP_CAPACITY; i++) {
        char text[16];
        int length = snprintf(text, sizeof text, "name-%04d", i);
        for (int times = 0; times <= i % 7; times++)
            top_add(top, text, (size_t)length);
    }
    bool exact;
    size_t count;
    assert_int_equal(top_distinct(top, &exact), TOP_CAPACITY);
    assert_true(exact);
    const struct top_item *items = top_items(top, &count);
    assert_int_equal(count, TOP_CAPACITY);
    assert_int_equal(items[0].count, 7);
    assert_memory_equal(items[0].text, "name-0006", 9);
    assert_memory_equal(items[1].text, "name-0013", 9);
    top_add(top, "name-0013", 9); /* found again after the sorting */
    items = top_items(top, &count);
    assert_int_equal(items[0].count, 8);
    assert_memory_equal(items[0].text, "name-0013", 9);
    top_free(&top);
    assert_null(top);
}

static void keeps_the_frequent_among_many(void **state)
{
    (void)state;
    struct top *top = top_new();
    for (uint32_t i = 0; i < 300000; i++) {
        top_add(top, &i, sizeof i);
        if (i % 10 == 0)
            top_add(top, "often", 5);
    }
    bool exact;
    size_t count;
    assert_int_equal(top_distinct(top, &exact), TOP_CAPACITY);
    assert_false(exact);
    const struct top_item *items = top_items(top, &count);
    assert_memory_equal(items[0].text, "often", 5);
    assert_true(items[0].count <= 30000 && items[0].count >= 30000 - 330000 / TOP_CAPACITY);
    top_free(&top);
}

static void cuts_long_texts_between_characters(void **state)
{
    (void)state;
    char text[3 * 60];
    for (size_t i = 0; i < sizeof text; i += 3)
        memcpy(text + i, "\xe8\xae\xbe", 3);
    struct top *top = top_new();
    top_add(top, text, sizeof text);
    top_add(top, text, sizeof text - 3);
    size_t count;
    const struct top_item *items = top_items(top, &count);
    assert_int_equal(count, 2);
    assert_int_equal(items[0].length, TOP_TEXT / 3 * 3);
    top_free(&top);
}

static void tells_what_there_was(void **state)
{
    (void)state;
    static const char *const notes[] = {"protocol_type", "xunlei", "xunlei_id_1", "a",
                                        "xunlei_id_2",   "b",      NULL};
    const uint64_t written[RECORD_FILES] = {[FILE_SAVE_CON] = 2, [FILE_DNS] = 4};
    struct summary *summary = summary_new();
    struct ledger *ledger = ledger_new(1);
    struct stamp *stamp = stamp_new("UTC", 3);
    struct buffer map = {0}, text = {0};
    struct event event = flow_closed(1, TRANSPORT_TCP, "1.2.3.4", 1, "5.6.7.8", 2);
    struct row row;
    pack_texts(&map, notes);
    assert_int_equal(row_read(&row, &SCHEMA_TCP, whole(&map)), 0);
    assert_int_equal(summary_flow(summary, &event.close.figures, &row, true), 0);
    assert_int_equal(row_read(&row, &SCHEMA_TCP, (struct slice){0}), 0);
    assert_int_equal(summary_flow(summary, &event.close.figures, &row, true), 0);
    assert_int_equal(summary_flow(summary, &event.close.figures, &row, false), 0);
    buffer_clear(&map);
    summary_pack(summary, ledger, written, 9, stamp, &map);
    struct unpack from = unpack_over(map.bytes, map.length);
    struct jsonw w = jsonw_to(&text);
    assert_int_equal(value_write(&w, &from, stamp), 0);
    assert_ptr_equal(from.at, from.end);
    buffer_append(&text, "", 1);
    assert_string_equal(
        (const char *)text.bytes,
        "{\"packets\": 0, \"filtered_out\": 0, \"bytes\": 0, "
        "\"start\": \"2023-07-14 15:02:14.000123\", "
        "\"end\": \"2023-07-14 15:02:14.090123\", \"tcp\": {\"complete\": 2, \"incomplete\": 0}, "
        "\"udp\": 0, \"protocols\": [[\"dns\", 1], [\"tcp\", 1], [\"xunlei\", 1]], "
        "\"http\": {\"complete\": 0, \"incomplete\": 0, \"hosts\": []}, "
        "\"tls\": {\"names\": [], \"certificates\": 9}, \"dns\": {\"responses\": 4}, "
        "\"platform\": {\"bit_peers\": 0, \"xunlei_ids\": 2, \"toutiao_values\": 0, "
        "\"stun_values\": 0, \"xycdn_keys\": 0}, \"degraded\": 0}");
    buffer_free(&map);
    buffer_free(&text);
    stamp_free(&stamp);
    ledger_free(&ledger);
    summary_free(&summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_exactly_up_to_its_capacity),
        cmocka_unit_test(keeps_the_frequent_among_many),
        cmocka_unit_test(cuts_long_texts_between_characters),
        cmocka_unit_test(tells_what_there_was),
    };
    return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
