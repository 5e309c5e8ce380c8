/* Records that are written before the capture has ended: the same bytes as without, or no results.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/base/error.h"
#include "stages/sink/layout.h"
#include "tests/unit/sink/attempt.h"

enum { FLOWS = 600, A_PERIOD = 10, A_PART = 10000, SECOND_MS = 1000 };
enum { MANY_REQUESTS = 5000, LITTLE_MEMORY = 1024 * 1024 };

/* A sink that shares nothing, and waits for the disk. */
static const struct sink_shared ALONE;

struct bench {
    char path[SCRATCH_PATH];
    char out[SCRATCH_PATH + 8];
    char other[SCRATCH_PATH + 8];
    struct told told;
    struct outlet outlet;
    struct capture capture;
    struct sink *sink;
    struct buffer map;
    uint64_t requests; /* that a flow without an end has sent before all others */
    bool in_one_part;  /* all is written early that can be, whenever the one before was written */
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    scratch_make(b->path);
    snprintf(b->out, sizeof b->out, "%s/out", b->path);
    snprintf(b->other, sizeof b->other, "%s/other", b->path);
    b->outlet = told_outlet(&b->told);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    sink_free(&b->sink);
    buffer_free(&b->map);
    buffer_free(&b->told.map);
    scratch_remove(b->path);
    free(b);
    return 0;
}

static void begin(struct bench *b, const char *out, bool early, uint64_t memory)
{
    const struct sink_options options = {.sort_memory = memory};
    int error = 0;
    b->capture = capture_to(out);
    b->capture.early = early;
    b->sink = sink_new(&b->capture, &b->outlet, &ALONE, &options, &error);
    assert_non_null(b->sink);
}

static void takes(struct bench *b, const struct event *event)
{
    assert_int_equal(sink_event(b->sink, 0, event), 0);
}

static int marks(struct bench *b, uint64_t period, uint64_t closed, int64_t oldest_ns)
{
    const struct mark mark = {
        .period = period, .closed = closed, .oldest_ns = oldest_ns, .kept_ns = oldest_ns};
    return sink_mark(b->sink, &mark);
}

static void was_told(const struct bench *b, uint64_t status, const char *part)
{
    assert_int_equal(b->told.kind, TAPLINE_OUTCOME);
    assert_int_equal(b->told.status, status);
    if (!strstr(b->told.text, part))
        fail_msg("told \"%s\", and not \"%s\"", b->told.text, part);
}

/* Nothing is left in the directory that OUT would be in, hidden or not. */
static void nothing_is_left(struct bench *b)
{
    assert_int_equal(remove(b->path), 0);
    assert_int_equal(mkdir(b->path, 0700), 0);
}

/* ---- a capture of flows that begin a second after each other --------------------------------- */

static int64_t start_of(uint64_t flow)
{
    return MOMENT + (int64_t)flow * SECOND_MS * MS;
}

static void http(struct bench *b, uint64_t flow, uint64_t packet)
{
    char uri[24];
    snprintf(uri, sizeof uri, "/%u", (unsigned)packet);
    buffer_clear(&b->map);
    pack_map(&b->map, 3);
    pack_str(&b->map, "requester");
    pack_uint(&b->map, packet % 2);
    pack_str(&b->map, "complete");
    pack_bool(&b->map, packet % 3);
    pack_pair(&b->map, "req_uri", uri);
    struct event event = record_of(flow, TAPLINE_RECORD_HTTP, start_of(flow), packet, &b->map);
    takes(b, &event);
}

/* One of a flow's server names, which came when the flow of that number begins. */
static void sni_at(struct bench *b, uint64_t flow, uint64_t number)
{
    static const char *const texts[] = {"ip_port", "1.2.3.4-1000-5.6.7.8-443", "sni_domain",
                                        "edge.example", NULL};
    buffer_clear(&b->map);
    pack_texts(&b->map, texts);
    struct event event =
        record_of(flow, TAPLINE_RECORD_SNI, start_of(number) + 5 * MS, number, &b->map);
    takes(b, &event);
}

static void sni(struct bench *b, uint64_t flow)
{
    sni_at(b, flow, flow);
}

static void xycdn(struct bench *b, uint64_t flow)
{
    buffer_clear(&b->map);
    pack_map(&b->map, 1);
    pack_str(&b->map, "keys");
    pack_array(&b->map, 2);
    pack_str(&b->map, "1.1.1.1:1");
    pack_str(&b->map, flow % 2 ? "9.9.9.9:2" : "1.1.1.1:1");
    struct event event = record_of(flow, TAPLINE_RECORD_XYCDN, start_of(flow), flow, &b->map);
    takes(b, &event);
}

/* Some flows have records of one kind, some of several. How many. */
static uint64_t records_ahead(struct bench *b, uint64_t flow)
{
    uint64_t records = 0;
    if (flow % 4 == 0)
        sni(b, flow);
    records += flow % 4 == 0;
    for (; flow % 3 == 0 && records < 3; records++)
        http(b, flow, flow * 10 + 3 - records);
    if (flow % 7 == 0)
        xycdn(b, flow);
    return records + (flow % 7 == 0);
}

static void close_flow(struct bench *b, uint64_t flow, uint64_t period, uint64_t records)
{
    uint8_t transport = flow % 5 ? TRANSPORT_TCP : TRANSPORT_UDP;
    struct event close = flow_closed(flow, transport, "1.2.3.4", (uint16_t)flow, "5.6.7.8", 443);
    close.close.figures.start_ns = start_of(flow);
    close.close.figures.syn = close.close.figures.fin = flow % 2;
    close.close.period = period;
    flow_extracted(&close, records);
    takes(b, &close);
}

static uint64_t play_flow(struct bench *b, uint64_t flow, uint64_t period)
{
    close_flow(b, flow, period, records_ahead(b, flow));
    return 1;
}

/* A period: its flows end in another order than they began in, and the close of one of them comes
 * after the mark; for one part of all, that of the first period after all others. */
static void play_period(struct bench *b, uint64_t period)
{
    uint64_t first = period * A_PERIOD, closed = 0;
    for (uint64_t i = A_PERIOD - 1; i > 0; i--)
        closed += i == 4 ? 0 : play_flow(b, first + i, period);
    closed += play_flow(b, first, period);
    assert_int_equal(marks(b, period, closed + 1, b->requests ? 0 : start_of(first + A_PERIOD)), 0);
    if (!b->in_one_part || period > 0)
        play_flow(b, first + 4, period);
}

static void play_periods(struct bench *b)
{
    for (uint64_t i = 0; i < b->requests; i++)
        http(b, FLOWS + 1, i);
    for (uint64_t period = 0; period < FLOWS / A_PERIOD; period++)
        play_period(b, period);
    if (b->in_one_part)
        play_flow(b, 4, 0);
}

static void play(struct bench *b, const char *out, bool early, uint64_t memory)
{
    begin(b, out, early, memory);
    play_periods(b);
    close_flow(b, FLOWS + 1, FLOWS / A_PERIOD, b->requests);
    assert_int_equal(tracker_tallies(b->sink, 9, FLOWS + 1), 0);
    assert_int_equal(reader_tallies(b->sink, 9, NULL), 0);
    assert_int_equal(reader_gives(b->sink, true), 0);
    was_told(b, EXIT_DONE, "");
    sink_free(&b->sink);
}

/* As the ledger says. */
static int early_lines(const char *out)
{
    char *ledger = content_of(out, LEDGER_FILE);
    const char *at = strstr(ledger, "\"lines_written_early\": ");
    assert_non_null(at);
    int lines = atoi(strchr(at, ':') + 1);
    free(ledger);
    return lines;
}

static void same_files(struct bench *b)
{
    for (size_t i = 0; i < RECORD_FILES; i++) {
        char *text = content_of(b->out, RECORD_FILE_NAMES[i]);
        holds(b->other, RECORD_FILE_NAMES[i], text);
        assert_true(i == FILE_CERT || i == FILE_DNS || *text);
        free(text);
    }
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void it_changes_no_byte(void **state)
{
    struct bench *b = *state;
    play(b, b->out, false, SINK_OPTIONS_DEFAULT.sort_memory);
    play(b, b->other, true, SINK_OPTIONS_DEFAULT.sort_memory);
    assert_int_equal(early_lines(b->out), 0);
    assert_true(early_lines(b->other) > 0);
    same_files(b);
}

static void all_of_a_part_is_written_early(void **state)
{
    struct bench *b = *state;
    b->in_one_part = true;
    play(b, b->out, false, SINK_OPTIONS_DEFAULT.sort_memory);
    play(b, b->other, true, SINK_OPTIONS_DEFAULT.sort_memory);
    assert_true(early_lines(b->other) > FLOWS);
    same_files(b);
}

/* More requests of a flow that does not end than can wait: they are laid by, and so nothing of the
 * HTTP files is written before all are there. */
static void what_was_laid_by_is_waited_for(void **state)
{
    struct bench *b = *state;
    b->requests = MANY_REQUESTS;
    play(b, b->out, false, LITTLE_MEMORY);
    play(b, b->other, true, LITTLE_MEMORY);
    same_files(b);
}

/* The same, but all else could be written if it were not for that one flow. */
static void what_is_laid_by_holds_up_http_alone(void **state)
{
    struct bench *b = *state;
    begin(b, b->other, true, LITTLE_MEMORY);
    for (uint64_t i = 0; i < MANY_REQUESTS; i++)
        http(b, FLOWS + 1, i);
    b->in_one_part = true;
    play_periods(b);
    close_flow(b, FLOWS + 1, FLOWS / A_PERIOD, MANY_REQUESTS);
    assert_int_equal(tracker_tallies(b->sink, 9, FLOWS + 1), 0);
    assert_int_equal(reader_tallies(b->sink, 9, NULL), 0);
    assert_int_equal(reader_gives(b->sink, true), 0);
    was_told(b, EXIT_DONE, "");
    sink_free(&b->sink);
    assert_in_range(early_lines(b->other), FLOWS, FLOWS + FLOWS / 4);
    b->requests = MANY_REQUESTS;
    play(b, b->out, false, LITTLE_MEMORY);
    same_files(b);
}

/* Flows that stay open hold up what is placed by their beginning, and nothing else. */
static void what_is_placed_by_its_packet_does_not_wait_for_flows(void **state)
{
    struct bench *b = *state;
    const struct mark mark = {
        .oldest_ns = MOMENT, .branches = 1, .kept_ns = start_of(FLOWS) - SECOND_MS * MS};
    struct mark passed = mark;
    begin(b, b->out, true, SINK_OPTIONS_DEFAULT.sort_memory);
    for (uint64_t flow = 0; flow < FLOWS; flow++)
        sni(b, flow);
    assert_int_equal(sink_mark(b->sink, &mark), 0);
    passed.hops = 1;
    passed.branches = 0;
    passed.kept_ns = start_of(FLOWS / 2);
    assert_int_equal(sink_mark(b->sink, &passed), 0);
    for (uint64_t flow = 0; flow < FLOWS; flow++)
        close_flow(b, flow, 1, 1);
    assert_int_equal(tracker_tallies(b->sink, 9, FLOWS), 0);
    assert_int_equal(reader_tallies(b->sink, 9, NULL), 0);
    assert_int_equal(reader_gives(b->sink, true), 0);
    was_told(b, EXIT_DONE, "");
    sink_free(&b->sink);
    assert_int_equal(early_lines(b->out), FLOWS / 2);
}

/* A part that nothing could be taken for costs no more than that: the next one does not have to wait
 * until twice as much is there. */
static void an_empty_part_is_soon_followed_by_another(void **state)
{
    struct bench *b = *state;
    enum { BEFORE = 300, ALL = 400 };
    struct mark mark = {.oldest_ns = MOMENT, .kept_ns = MOMENT};
    begin(b, b->out, true, SINK_OPTIONS_DEFAULT.sort_memory);
    for (uint64_t number = 0; number < ALL; number++) {
        if (number == BEFORE)
            assert_int_equal(sink_mark(b->sink, &mark), 0);
        sni_at(b, 1, number);
    }
    mark.period = 1;
    mark.kept_ns = start_of(ALL);
    assert_int_equal(sink_mark(b->sink, &mark), 0);
    close_flow(b, 1, 2, ALL);
    assert_int_equal(tracker_tallies(b->sink, 9, 1), 0);
    assert_int_equal(reader_tallies(b->sink, 9, NULL), 0);
    assert_int_equal(reader_gives(b->sink, true), 0);
    was_told(b, EXIT_DONE, "");
    sink_free(&b->sink);
    assert_int_equal(early_lines(b->out), ALL);
}

static void what_comes_too_late_ends_the_attempt(void **state)
{
    struct bench *b = *state;
    for (int what = 0; what < 3; what++) {
        begin(b, b->out, true, SINK_OPTIONS_DEFAULT.sort_memory);
        for (uint64_t period = 0; period < 3; period++)
            play_period(b, period);
        switch (what) {
        case 0: sni(b, 3); break;
        case 1: close_flow(b, 3, 3, 0); break;
        default: http(b, 3, 1); close_flow(b, 3, 3, 1);
        }
        was_told(b, EXIT_PIPELINE, "run backwards by more than 10 s");
        nothing_is_left(b);
        sink_free(&b->sink);
    }
}

/* Without leave to write early the same is no fault. */
static void late_records_are_no_fault_where_all_is_written_at_the_end(void **state)
{
    struct bench *b = *state;
    begin(b, b->out, false, SINK_OPTIONS_DEFAULT.sort_memory);
    for (uint64_t period = 0; period < 3; period++)
        play_period(b, period);
    close_flow(b, 3, 3, 0);
    assert_int_equal(tracker_tallies(b->sink, 9, 3 * A_PERIOD + 1), 0);
    assert_int_equal(reader_tallies(b->sink, 9, NULL), 0);
    assert_int_equal(reader_gives(b->sink, true), 0);
    was_told(b, EXIT_DONE, "");
}

/* Goes on until the attempt has its outcome, after so many flows. */
enum hearing { AT_AN_EVENT, AT_A_TURN, AT_THE_END };

static void hear(struct bench *b, enum hearing how, uint64_t flows)
{
    if (how == AT_THE_END) {
        assert_int_equal(tracker_tallies(b->sink, 9, flows), 0);
        assert_int_equal(reader_tallies(b->sink, 9, NULL), 0);
    }
    while (b->told.kind != TAPLINE_OUTCOME) {
        if (how == AT_AN_EVENT)
            close_flow(b, flows++, 1, 0);
        else
            assert_int_equal(sink_turn(b->sink, 0), 0);
    }
}

/* What is more than a file may hold is written in the background: that this failed is heard with
 * what comes next, whatever it is. */
static void a_disk_that_fills_up_ends_the_attempt(void **state)
{
    struct bench *b = *state;
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 100000, .rlim_max = before.rlim_max};
    for (enum hearing how = AT_AN_EVENT; how <= AT_THE_END; how++) {
        uint64_t flow = 0;
        begin(b, b->out, true, SINK_OPTIONS_DEFAULT.sort_memory);
        setrlimit(RLIMIT_FSIZE, &small);
        while (flow < A_PART)
            close_flow(b, flow++, 0, 0);
        assert_int_equal(marks(b, 0, A_PART, start_of(flow)), 0);
        hear(b, how, flow);
        setrlimit(RLIMIT_FSIZE, &before);
        was_told(b, EXIT_OUTPUT, strerror(EFBIG));
        assert_non_null(strstr(b->told.text, b->out));
        nothing_is_left(b);
        sink_free(&b->sink);
    }
}

static void what_is_being_written_may_be_given_up(void **state)
{
    struct bench *b = *state;
    begin(b, b->out, true, SINK_OPTIONS_DEFAULT.sort_memory);
    b->in_one_part = true;
    play_periods(b);
    sink_free(&b->sink);
    nothing_is_left(b);
}

static void wrong_marks_end_the_attempt(void **state)
{
    struct bench *b = *state;
    begin(b, b->out, true, SINK_OPTIONS_DEFAULT.sort_memory);
    assert_int_equal(marks(b, 0, 0, 0), 0);
    assert_int_equal(marks(b, 0, 0, 0), 0);
    was_told(b, EXIT_PIPELINE, "tracker 0 marked its period 0, and 1 was next");
    sink_free(&b->sink);
    begin(b, b->out, true, SINK_OPTIONS_DEFAULT.sort_memory);
    assert_int_equal(marks(b, 0, 0, 0), 0);
    close_flow(b, 1, 0, 0);
    was_told(b, EXIT_PIPELINE, "tracker 0 closed fewer flows in its period 0 than closes of it");
    nothing_is_left(b);
    sink_free(&b->sink);
    begin(b, b->out, true, SINK_OPTIONS_DEFAULT.sort_memory);
    assert_int_equal(marks(b, UINT64_MAX, 0, 0), ERR_MALFORMED);
}

#define ATTEMPT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ATTEMPT(it_changes_no_byte),
        ATTEMPT(all_of_a_part_is_written_early),
        ATTEMPT(what_was_laid_by_is_waited_for),
        ATTEMPT(what_is_laid_by_holds_up_http_alone),
        ATTEMPT(what_is_placed_by_its_packet_does_not_wait_for_flows),
        ATTEMPT(an_empty_part_is_soon_followed_by_another),
        ATTEMPT(what_comes_too_late_ends_the_attempt),
        ATTEMPT(late_records_are_no_fault_where_all_is_written_at_the_end),
        ATTEMPT(a_disk_that_fills_up_ends_the_attempt),
        ATTEMPT(what_is_being_written_may_be_given_up),
        ATTEMPT(wrong_marks_end_the_attempt),
    };
    return cmocka_run_group_tests_name("early", tests, NULL, NULL);
}
