/* Whole attempts: from events and tallies to the files and what the reader is told. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/base/error.h"
#include "tests/unit/sink/attempt.h"

/* A sink that shares nothing, and waits for the disk. */
static const struct sink_shared ALONE;

struct bench {
    char path[SCRATCH_PATH];
    char out[SCRATCH_PATH + 8];
    struct told told;
    struct outlet outlet;
    struct capture capture;
    struct sink *sink;
    struct buffer map;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    scratch_make(b->path);
    snprintf(b->out, sizeof b->out, "%s/out", b->path);
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

static void begin(struct bench *b)
{
    int error = 0;
    b->capture = capture_to(b->out);
    b->sink = sink_new(&b->capture, &b->outlet, &ALONE, &SINK_OPTIONS_DEFAULT, &error);
    assert_non_null(b->sink);
    assert_int_equal(b->told.kind, TAPLINE_ACCEPT);
    assert_int_equal(b->told.status, EXIT_DONE);
}

static void takes(struct bench *b, const struct event *event)
{
    assert_int_equal(sink_event(b->sink, 0, event), 0);
}

static void was_told(const struct bench *b, enum tapline_kind kind, uint64_t status,
                     const char *part)
{
    assert_int_equal(b->told.kind, kind);
    if (kind != TAPLINE_OUTCOME)
        return;
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

static void an_empty_capture_has_every_file(void **state)
{
    struct bench *b = *state;
    static const char *const empty[] = {
        "save_con.json",         "tmp_con.json",      "udp_con.json",
        "save_http.json",        "tmp_http.json",     "sni.json",
        "cert_domain_time.json", "ts_domain_ip.json", "xycdn_stun_ip_port.json"};
    begin(b);
    assert_int_equal(reader_tallies(b->sink, 0, NULL), 0);
    assert_int_equal(tracker_tallies(b->sink, 0, 0), 0);
    was_told(b, TAPLINE_ASK, 0, "");
    assert_null(content_of(b->out, "ledger.json"));
    assert_int_equal(reader_gives(b->sink, true), 0);
    was_told(b, TAPLINE_OUTCOME, EXIT_DONE, "");
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        holds(b->out, empty[i], "");
    holds(b->out, "file_data.json",
          "{\"noip_packets\": 0, \"packets_count\": 0, \"tcp_packets\": 0, \"tcp_packets_len\": 0, "
          "\"tcp_payload_len\": 0, \"udp_packets\": 0, \"udp_packets_len\": 0, "
          "\"udp_payload_len\": 0, \"icmp_packets\": 0, \"other_ip_protocol_packets\": 0}\n");
    char *ledger = content_of(b->out, "ledger.json");
    assert_non_null(strstr(ledger, "\"request\": {\"profile\": \"any\"}, \"attempt\": 1"));
    assert_non_null(strstr(ledger, "\"sums_agree\": true"));
    assert_non_null(strstr(ledger, "\"reorder_full\": 2"));
    free(ledger);
    struct stat status;
    char path[SCRATCH_PATH + 32];
    snprintf(path, sizeof path, "%s/save_file", b->out);
    assert_int_equal(stat(path, &status), 0);
}

/* An HTTP record whose requester is the responder. */
static void pack_http(struct buffer *map, const char *uri, uint64_t requester, bool complete)
{
    buffer_clear(map);
    pack_map(map, 9);
    pack_str(map, "requester");
    pack_uint(map, requester);
    pack_str(map, "complete");
    pack_bool(map, complete);
    pack_str(map, "req_time");
    pack_time(map, MOMENT + 50 * MS);
    pack_pair(map, "req_method", "GET");
    pack_pair(map, "req_uri", uri);
    pack_str(map, "req_need_length");
    pack_uint(map, 0);
    pack_str(map, "req_headers");
    pack_array(map, 2);
    pack_array(map, 2);
    pack_str(map, "host");
    pack_str(map, "edge.example");
    pack_array(map, 2);
    pack_str(map, "x-two");
    pack_array(map, 2);
    pack_str(map, "a");
    pack_str(map, "b");
    pack_pair(map, "req_body", "");
    pack_str(map, "res_status");
    pack_nil(map);
}

static void http(struct bench *b, uint64_t flow, const char *uri, uint64_t packet, bool complete)
{
    pack_http(&b->map, uri, 1, complete);
    struct event event = record_of(flow, TAPLINE_RECORD_HTTP, MOMENT, packet, &b->map);
    takes(b, &event);
}

#define HTTP_LINE(uri)                                                                             \
    "{\"ip_port\": \"5.6.7.8-80-1.2.3.4-1000\", "                                                  \
    "\"start_timestamp\": \"2023-07-14 15:02:14.000123\", "                                        \
    "\"end_timestamp\": \"2023-07-14 15:02:14.090123\", "                                          \
    "\"req_time\": \"2023-07-14 15:02:14.050123\", \"src_dst_packet_count\": 4, "                  \
    "\"dst_src_packet_count\": 6, \"src_dst_byte_count\": 77, \"dst_src_byte_count\": 68, "        \
    "\"req_method\": \"GET\", \"req_uri\": \"" uri "\", \"req_need_length\": 0, "                  \
    "\"req_headers\": [[\"host\", \"edge.example\"], [\"x-two\", [\"a\", \"b\"]]], "               \
    "\"req_body\": \"\", \"req_data\": \"\", \"res_time\": null, \"res_status\": null, "           \
    "\"res_reason\": null, \"res_need_length\": null, \"res_headers\": null, "                     \
    "\"res_body\": null, \"res_data\": \"\"}\n"

static void http_waits_for_its_connection(void **state)
{
    struct bench *b = *state;
    begin(b);
    http(b, 3, "/late", 9, true);
    http(b, 3, "/early", 7, true);
    http(b, 3, "/cut", 8, false);
    struct event close = flow_closed(3, TRANSPORT_TCP, "1.2.3.4", 1000, "5.6.7.8", 80);
    flow_extracted(&close, 3);
    takes(b, &close);
    assert_int_equal(tracker_tallies(b->sink, 10, 1), 0);
    assert_int_equal(reader_tallies(b->sink, 10, "cut within packet 11"), 0);
    assert_int_equal(reader_gives(b->sink, true), 0);
    was_told(b, TAPLINE_OUTCOME, EXIT_CUT, "cut within packet 11");
    holds(b->out, "save_http.json", HTTP_LINE("/early") HTTP_LINE("/late"));
    holds(b->out, "tmp_http.json", HTTP_LINE("/cut"));
}

static void pack_certificate(struct buffer *map)
{
    buffer_clear(map);
    pack_map(map, 5);
    pack_pair(map, "ip_port", "5.6.7.8-443-1.2.3.4-1000");
    pack_pair(map, "sha256_fingerprint", "BA7816BF");
    pack_str(map, "domains");
    pack_array(map, 1);
    pack_str(map, "edge.example");
    pack_str(map, "timestamp");
    pack_time(map, MOMENT);
    pack_str(map, "chain");
    pack_array(map, 3);
    pack_bin(map, "abc", 3);
    pack_bin(map, "", 0);
    pack_bin(map, "abc", 3);
}

static void tls_dns_and_xycdn(struct bench *b)
{
    static const char *const sni[] = {"ip_port",    "1.2.3.4-1000-5.6.7.8-443",
                                      "sni_domain", "edge.example",
                                      "sni_ip",     "5.6.7.8",
                                      "transport",  "quic",
                                      NULL};
    buffer_clear(&b->map);
    pack_texts(&b->map, sni);
    struct event event = record_of(2, TAPLINE_RECORD_SNI, MOMENT, 4, &b->map);
    takes(b, &event);
    pack_certificate(&b->map);
    event = record_of(2, TAPLINE_RECORD_CERT, MOMENT, 5, &b->map);
    takes(b, &event);
    buffer_clear(&b->map);
    pack_map(&b->map, 3);
    pack_pair(&b->map, "ip_port", "1.2.3.4-1000-5.6.7.8-53");
    pack_str(&b->map, "dns_ip");
    pack_array(&b->map, 1);
    pack_str(&b->map, "9.9.9.9");
    pack_str(&b->map, "timestamp");
    pack_time(&b->map, MOMENT);
    event = record_of(2, TAPLINE_RECORD_DNS, MOMENT, 6, &b->map);
    takes(b, &event);
    for (int i = 0; i < 3; i++) {
        buffer_clear(&b->map);
        pack_map(&b->map, 1);
        pack_str(&b->map, "keys");
        pack_array(&b->map, 2);
        pack_str(&b->map, i == 1 ? "9.9.9.9:2" : "1.1.1.1:1");
        pack_str(&b->map, "1.1.1.1:11");
        event = record_of(2, TAPLINE_RECORD_XYCDN, MOMENT, 7, &b->map);
        takes(b, &event);
    }
}

static void other_records_come_at_once(void **state)
{
    struct bench *b = *state;
    begin(b);
    tls_dns_and_xycdn(b);
    struct event close = flow_closed(2, TRANSPORT_TCP, "1.2.3.4", 1000, "5.6.7.8", 443);
    flow_extracted(&close, 6);
    takes(b, &close);
    assert_int_equal(tracker_tallies(b->sink, 10, 1), 0);
    assert_int_equal(reader_tallies(b->sink, 10, NULL), 0);
    assert_int_equal(reader_gives(b->sink, true), 0);
    was_told(b, TAPLINE_OUTCOME, EXIT_DONE, "");
    holds(b->out, "sni.json",
          "{\"sni_domain\": \"edge.example\", \"sni_ip\": \"5.6.7.8\", \"timestamp\": null, "
          "\"transport\": \"quic\"}\n");
    holds(b->out, "cert_domain_time.json",
          "{\"sha256_fingerprint\": \"BA7816BF\", \"domains\": [\"edge.example\"], "
          "\"timestamp\": \"2023-07-14 15:02:14.000123\"}\n");
    holds(b->out, "ts_domain_ip.json",
          "{\"dns_domain\": [], \"dns_ip\": [\"9.9.9.9\"], "
          "\"timestamp\": \"2023-07-14 15:02:14.000123\"}\n");
    holds(b->out, "xycdn_stun_ip_port.json",
          "{\"key\": \"1.1.1.1:1\", \"num\": 2}\n{\"key\": \"1.1.1.1:11\", \"num\": 3}\n"
          "{\"key\": \"9.9.9.9:2\", \"num\": 1}\n");
    holds(b->out, "cert_file/BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD.crt",
          "abc");
}

static size_t lines_in(struct bench *b, const char *name)
{
    size_t lines = 0;
    char *text = content_of(b->out, name);
    assert_non_null(text);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    free(text);
    return lines;
}

static void flows_go_to_their_files_in_order(void **state)
{
    struct bench *b = *state;
    begin(b);
    for (uint64_t flow = 0; flow < 40; flow++) {
        struct event close = flow_closed(flow, flow % 4 == 3 ? TRANSPORT_UDP : TRANSPORT_TCP,
                                         "1.2.3.4", (uint16_t)(2000 - flow), "5.6.7.8", 80);
        close.close.figures.syn = flow % 4 != 2;
        close.close.figures.fin = flow % 4 == 0;
        close.close.figures.rst = flow % 4 == 2;
        close.close.figures.start_ns -= (int64_t)flow / 8 * 1000;
        buffer_clear(&b->map);
        if (flow == 3) {
            pack_map(&b->map, 1);
            pack_str(&b->map, "dns_only");
            pack_bool(&b->map, true);
        }
        close.close.notes = whole(&b->map);
        takes(b, &close);
    }
    assert_int_equal(tracker_tallies(b->sink, 400, 40), 0);
    assert_int_equal(reader_tallies(b->sink, 400, NULL), 0);
    assert_int_equal(reader_gives(b->sink, true), 0);
    assert_int_equal(lines_in(b, "save_con.json"), 10);
    assert_int_equal(lines_in(b, "tmp_con.json"), 20);
    assert_int_equal(lines_in(b, "udp_con.json"), 9);
    char *text = content_of(b->out, "save_con.json");
    assert_non_null(strstr(text, "1.2.3.4-1964-"));
    assert_true(strstr(text, "1.2.3.4-1964-") < strstr(text, "1.2.3.4-1968-"));
    assert_true(strstr(text, "1.2.3.4-1968-") < strstr(text, "1.2.3.4-1972-"));
    free(text);
}

/* One attempt at a capture of many flows, each with two HTTP records, in either order. */
static void publish_many(struct bench *b, const char *out, uint64_t memory, bool backwards)
{
    enum { FLOWS = 3000 };
    int error = 0;
    const struct sink_options options = {.sort_memory = memory};
    b->capture = capture_to(out);
    b->sink = sink_new(&b->capture, &b->outlet, &ALONE, &options, &error);
    assert_non_null(b->sink);
    for (uint64_t i = 0; i < FLOWS; i++) {
        uint64_t flow = backwards ? FLOWS - 1 - i : i;
        char uri[16];
        snprintf(uri, sizeof uri, "/%u", (unsigned)flow);
        http(b, flow, uri, flow * 10 + (backwards ? 1 : 2), flow % 3);
        http(b, flow, uri, flow * 10 + (backwards ? 2 : 1), flow % 3);
        struct event close = flow_closed(flow, TRANSPORT_TCP, "1.2.3.4", 1000, "5.6.7.8", 80);
        close.close.figures.start_ns += (int64_t)(flow * 7919 % 100) * MS;
        flow_extracted(&close, 2);
        takes(b, &close);
    }
    assert_int_equal(tracker_tallies(b->sink, 9, FLOWS), 0);
    assert_int_equal(reader_tallies(b->sink, 9, NULL), 0);
    assert_int_equal(reader_gives(b->sink, true), 0);
    was_told(b, TAPLINE_OUTCOME, EXIT_DONE, "");
    sink_free(&b->sink);
}

static void memory_and_arrival_change_no_byte(void **state)
{
    struct bench *b = *state;
    static const char *const files[] = {"tmp_con.json", "save_http.json", "tmp_http.json"};
    char other[SCRATCH_PATH + 8];
    snprintf(other, sizeof other, "%s/other", b->path);
    publish_many(b, b->out, SINK_OPTIONS_DEFAULT.sort_memory, false);
    publish_many(b, other, 64 * 1024, true);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *text = content_of(b->out, files[i]);
        assert_true(strlen(text) > 100000);
        holds(other, files[i], text);
        free(text);
    }
    char *ledger = content_of(other, "ledger.json");
    assert_null(strstr(ledger, "\"sorting_spilled_bytes\": 0,"));
    free(ledger);
}

static void sums_that_disagree_end_the_attempt(void **state)
{
    struct bench *b = *state;
    begin(b);
    struct event close = flow_closed(1, TRANSPORT_TCP, "1.2.3.4", 1000, "5.6.7.8", 443);
    flow_extracted(&close, 1);
    takes(b, &close);
    assert_int_equal(tracker_tallies(b->sink, 10, 1), 0);
    assert_int_equal(reader_tallies(b->sink, 10, NULL), 0);
    was_told(b, TAPLINE_OUTCOME, EXIT_PIPELINE, "1 records were sent ahead");
    nothing_is_left(b);
    takes(b, &close);
    assert_int_equal(b->told.messages, 2);
}

static void what_comes_too_late_ends_the_attempt(void **state)
{
    struct bench *b = *state;
    begin(b);
    struct event close = flow_closed(1, TRANSPORT_TCP, "1.2.3.4", 1000, "5.6.7.8", 443);
    takes(b, &close);
    assert_int_equal(tracker_tallies(b->sink, 10, 1), 0);
    assert_int_equal(reader_tallies(b->sink, 10, NULL), 0);
    was_told(b, TAPLINE_ASK, 0, "");
    takes(b, &close);
    was_told(b, TAPLINE_OUTCOME, EXIT_PIPELINE, "closed 1 flows, 2 closes came");
    assert_int_equal(reader_gives(b->sink, true), 0);
    nothing_is_left(b);
}

static void without_the_readers_word_nothing_is_published(void **state)
{
    struct bench *b = *state;
    begin(b);
    assert_int_equal(reader_tallies(b->sink, 0, NULL), 0);
    assert_int_equal(tracker_tallies(b->sink, 0, 0), 0);
    assert_int_equal(reader_gives(b->sink, false), 0);
    assert_int_equal(reader_gives(b->sink, true), 0);
    was_told(b, TAPLINE_ASK, 0, "");
    nothing_is_left(b);
}

static void a_record_of_another_flow_ends_the_attempt(void **state)
{
    struct bench *b = *state;
    begin(b);
    http(b, 2, "/", 1, true);
    struct event close = flow_closed(1, TRANSPORT_TCP, "1.2.3.4", 1000, "5.6.7.8", 443);
    flow_extracted(&close, 1);
    takes(b, &close);
    assert_int_equal(tracker_tallies(b->sink, 10, 1), 0);
    assert_int_equal(reader_tallies(b->sink, 10, NULL), 0);
    was_told(b, TAPLINE_OUTCOME, EXIT_PIPELINE, "announced none");
    nothing_is_left(b);
}

static void malformed_events_are_the_senders_fault(void **state)
{
    struct bench *b = *state;
    begin(b);
    buffer_clear(&b->map);
    pack_map(&b->map, 0);
    for (uint32_t record = 0; record < 8; record++) {
        struct event event = record_of(1, TAPLINE_RECORD_SNI, MOMENT, 1, &b->map);
        event.record.record = record;
        int error = sink_event(b->sink, 0, &event);
        assert_true(error == ERR_MALFORMED || error == ERR_TRUNCATED);
    }
}

/* A limit on the size of files stands for a disk that has no more room. */
static void a_full_disk_ends_the_attempt(void **state)
{
    struct bench *b = *state;
    struct rlimit before, small;
    begin(b);
    for (uint64_t flow = 0; flow < 500; flow++) {
        struct event close = flow_closed(flow, TRANSPORT_TCP, "1.2.3.4", 1000, "5.6.7.8", 443);
        takes(b, &close);
    }
    assert_int_equal(tracker_tallies(b->sink, 10, 500), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 100000, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    int error = reader_tallies(b->sink, 10, NULL);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(error, 0);
    was_told(b, TAPLINE_OUTCOME, EXIT_OUTPUT, strerror(EFBIG));
    assert_non_null(strstr(b->told.text, b->out));
    nothing_is_left(b);
}

static void is_refused(struct bench *b, enum exit_status status, const char *part)
{
    int error = -1;
    assert_null(sink_new(&b->capture, &b->outlet, &ALONE, &SINK_OPTIONS_DEFAULT, &error));
    assert_int_equal(error, 0);
    assert_int_equal(b->told.kind, TAPLINE_ACCEPT);
    assert_int_equal(b->told.status, status);
    assert_non_null(strstr(b->told.text, part));
}

static void refusals_name_the_cause(void **state)
{
    struct bench *b = *state;
    static const char *const requests[] = {"", "[]", "{} x", "{", "{}{}"};
    b->capture = capture_to("");
    is_refused(b, EXIT_WRONG_USE, "no name");
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        b->capture = capture_to(b->out);
        b->capture.request = slice_of(requests[i]);
        is_refused(b, EXIT_PIPELINE, "no JSON object");
    }
    b->capture = capture_to(b->out);
    b->capture.trackers.length = 0;
    is_refused(b, EXIT_PIPELINE, "no trackers");
    nothing_is_left(b);
}

#define ATTEMPT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ATTEMPT(an_empty_capture_has_every_file),
        ATTEMPT(http_waits_for_its_connection),
        ATTEMPT(other_records_come_at_once),
        ATTEMPT(flows_go_to_their_files_in_order),
        ATTEMPT(memory_and_arrival_change_no_byte),
        ATTEMPT(sums_that_disagree_end_the_attempt),
        ATTEMPT(what_comes_too_late_ends_the_attempt),
        ATTEMPT(without_the_readers_word_nothing_is_published),
        ATTEMPT(a_record_of_another_flow_ends_the_attempt),
        ATTEMPT(malformed_events_are_the_senders_fault),
        ATTEMPT(a_full_disk_ends_the_attempt),
        ATTEMPT(refusals_name_the_cause),
    };
    return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
