/* The ledger: when it agrees, when it waits, and which sum it names when it never will. */
#include "common/base/error.h"
#include "stages/sink/ledger.h"
#include "tests/unit/sink/attempt.h"

static struct ledger *ledger;
static struct fault fault;

static int set_up(void **state)
{
    (void)state;
    ledger = ledger_new(2);
    fault = (struct fault){0};
    return ledger ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ledger_free(&ledger);
    return ledger != NULL;
}

static int enter(const struct buffer *map)
{
    struct unpack from = unpack_over(map->bytes, map->length);
    return ledger_tally(ledger, &from);
}

static int reader_read(uint64_t packets, uint64_t filtered_out, uint64_t first, uint64_t second)
{
    struct buffer map = {0};
    pack_map(&map, 4);
    pack_str(&map, "role");
    pack_uint(&map, TAPLINE_READER);
    pack_str(&map, "frames");
    pack_uint(&map, packets);
    pack_str(&map, "filtered_out");
    pack_uint(&map, filtered_out);
    pack_str(&map, "trackers");
    pack_array(&map, 2);
    pack_uint(&map, first);
    pack_uint(&map, second);
    int error = enter(&map);
    buffer_free(&map);
    return error;
}

static int reader_sent(uint64_t packets, uint64_t first, uint64_t second)
{
    return reader_read(packets, 0, first, second);
}

static int tracker_got(uint64_t index, uint64_t packets, uint64_t counted, uint64_t flows)
{
    struct buffer map = {0};
    pack_map(&map, 5);
    pack_str(&map, "role");
    pack_uint(&map, TAPLINE_TRACKER);
    pack_str(&map, "index");
    pack_uint(&map, index);
    pack_str(&map, "frames");
    pack_uint(&map, packets);
    pack_str(&map, "flows");
    pack_uint(&map, flows);
    pack_str(&map, "totals");
    pack_map(&map, 1);
    pack_str(&map, "packets_count");
    pack_uint(&map, counted);
    int error = enter(&map);
    buffer_free(&map);
    return error;
}

static int closes(uint64_t tracker, uint64_t count)
{
    struct event event =
        flow_closed(tracker << 48 | count, TRANSPORT_TCP, "1.2.3.4", 1, "5.6.7.8", 2);
    return ledger_close(ledger, event.flow, &event.close);
}

static void is_broken(const char *part)
{
    assert_int_equal(ledger_state(ledger, &fault), LEDGER_BROKEN);
    assert_int_equal(fault.error, ERR_LOST);
    if (!strstr(fault.text, part))
        fail_msg("\"%s\" does not say \"%s\"", fault.text, part);
}

static void agrees_in_whatever_order_things_come(void **state)
{
    (void)state;
    closes(1, 1);
    assert_int_equal(tracker_got(1, 5, 5, 2), 0);
    assert_int_equal(reader_sent(8, 3, 5), 0);
    assert_int_equal(ledger_state(ledger, &fault), LEDGER_OPEN);
    assert_int_equal(tracker_got(0, 3, 3, 0), 0);
    assert_int_equal(ledger_state(ledger, &fault), LEDGER_OPEN);
    closes(1, 2);
    assert_int_equal(ledger_state(ledger, &fault), LEDGER_AGREES);
    assert_int_equal(ledger_packets(ledger), 8);
    assert_int_equal(ledger_total(ledger, "packets_count"), 8);
    closes(1, 2);
    is_broken("tracker 1 closed 2 flows, 3 closes came");
}

static void names_the_sum_that_does_not_agree(void **state)
{
    (void)state;
    reader_sent(8, 3, 5);
    tracker_got(0, 3, 3, 0);
    tracker_got(1, 4, 5, 0);
    is_broken("sent tracker 1 5 packets, it received 4");
}

static void names_packets_that_no_tracker_was_sent(void **state)
{
    (void)state;
    reader_sent(9, 3, 5);
    tracker_got(0, 3, 4, 0);
    tracker_got(1, 5, 5, 0);
    is_broken("has 9 packets, the reader sent the trackers 8");
}

static void what_a_filter_left_out_closes_the_sum(void **state)
{
    (void)state;
    reader_read(10, 2, 3, 5);
    tracker_got(0, 3, 3, 0);
    tracker_got(1, 5, 5, 0);
    assert_int_equal(ledger_state(ledger, &fault), LEDGER_AGREES);
    assert_int_equal(ledger_packets(ledger), 8);
    assert_int_equal(ledger_filtered_out(ledger), 2);
}

static void a_filter_leaves_out_no_more_than_there_is(void **state)
{
    (void)state;
    assert_int_equal(reader_read(1, 2, 0, 0), ERR_MALFORMED);
}

static void names_packets_that_nobody_counted(void **state)
{
    (void)state;
    reader_sent(8, 3, 5);
    tracker_got(0, 3, 3, 0);
    tracker_got(1, 5, 4, 0);
    is_broken("has 8 packets, the trackers counted 7");
}

static void names_closes_that_went_astray(void **state)
{
    (void)state;
    reader_sent(8, 3, 5);
    tracker_got(0, 3, 3, 1);
    tracker_got(1, 5, 5, 1);
    closes(0, 1);
    assert_int_equal(ledger_state(ledger, &fault), LEDGER_OPEN);
    closes(0, 2);
    is_broken("closed 1 flows, 0 closes came");
}

static void names_the_stage_that_lost_events(void **state)
{
    (void)state;
    static const struct {
        struct trail trail[3];
        uint32_t count;
        const char *says;
    } cases[] = {
        {{{TAPLINE_TRACKER, 0, 3, 0}, {TAPLINE_CLASSIFIER, 2, 0, 0}},
         2,
         "the tracker sent 3 events on, the classifier received 2"},
        {{{TAPLINE_TRACKER, 0, 3, 0}, {TAPLINE_CLASSIFIER, 3, 2, 0}, {TAPLINE_EXTRACTOR, 3, 0, 0}},
         3,
         "the classifier sent 2 events on, the extractor received 3"},
        {{{TAPLINE_TRACKER, 0, 3, 0}}, 1, "the tracker sent 3 events on, no stage"},
        {{{TAPLINE_CLASSIFIER, 0, 0, 0}}, 1, "no path"},
        {{{TAPLINE_TRACKER, 0, 0, 0}, {TAPLINE_TRACKER, 0, 0, 0}}, 2, "no path"},
        {{{TAPLINE_TRACKER, 0, 0, 0}, {TAPLINE_LOBBY, 0, 0, 0}}, 2, "no path"},
        {{{0}}, 0, "no stage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event event = flow_closed(1, TRANSPORT_TCP, "1.2.3.4", 1, "5.6.7.8", 2);
        memcpy(event.close.trail, cases[i].trail, sizeof cases[i].trail);
        event.close.trail_count = cases[i].count;
        assert_int_equal(ledger_close(ledger, event.flow, &event.close), ERR_LOST);
        is_broken(cases[i].says);
        ledger_free(&ledger);
        ledger = ledger_new(2);
    }
    assert_int_equal(closes(2, 1), ERR_LOST);
    is_broken("is of tracker 2, and there are 2");
}

static void refuses_tallies_that_are_none(void **state)
{
    (void)state;
    struct buffer map = {0};
    pack_map(&map, 1);
    pack_str(&map, "role");
    pack_uint(&map, TAPLINE_SINK);
    assert_int_equal(enter(&map), ERR_MALFORMED);
    buffer_clear(&map);
    pack_uint(&map, 1);
    assert_int_equal(enter(&map), ERR_MALFORMED);
    buffer_free(&map);
    assert_int_equal(tracker_got(2, 0, 0, 0), ERR_MALFORMED);
    assert_int_equal(tracker_got(0, 0, 0, 0), 0);
    assert_int_equal(tracker_got(0, 0, 0, 0), ERR_LOST);
    is_broken("tracker 0 tallied twice");
}

#define ENTERED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENTERED(agrees_in_whatever_order_things_come),
        ENTERED(names_the_sum_that_does_not_agree),
        ENTERED(names_packets_that_no_tracker_was_sent),
        ENTERED(what_a_filter_left_out_closes_the_sum),
        ENTERED(a_filter_leaves_out_no_more_than_there_is),
        ENTERED(names_packets_that_nobody_counted),
        ENTERED(names_closes_that_went_astray),
        ENTERED(names_the_stage_that_lost_events),
        ENTERED(refuses_tallies_that_are_none),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
