/* What listeners are told of an attempt: through the core, by a tap that keeps what it is given. */
#include "common/base/error.h"
#include "common/base/jsonw.h"
#include "stages/sink/value.h"
#include "tests/unit/sink/attempt.h"

enum { KEPT = 32 };

/* A tap whose listeners want every topic but one. */
struct listener {
    struct tap tap;
    uint64_t heads[TAP_TOPICS];
    enum tap_topic unwanted;
    uint32_t missing;
    size_t count;
    struct {
        enum tap_topic topic;
        char text[2048]; /* the map as JSON */
    } kept[KEPT];
};

struct bench {
    char path[SCRATCH_PATH];
    char out[SCRATCH_PATH + 8];
    struct told told;
    struct outlet outlet;
    struct listener listener;
    struct capture capture;
    struct sink *sink;
    struct buffer map;
};

static bool listener_number(void *context, enum tap_topic topic, uint64_t *seq)
{
    struct listener *listener = context;
    *seq = ++listener->heads[topic];
    return topic != listener->unwanted;
}

static void listener_keep(void *context, enum tap_topic topic, const struct buffer *map)
{
    struct listener *listener = context;
    struct stamp *utc = stamp_new("UTC", 3);
    struct buffer text = {0};
    struct jsonw w = jsonw_to(&text);
    struct unpack from = unpack_over(map->bytes, map->length);
    assert_int_equal(value_write(&w, &from, utc), 0);
    assert_ptr_equal(from.at, from.end);
    assert_true(listener->count < KEPT);
    listener->kept[listener->count].topic = topic;
    snprintf(listener->kept[listener->count++].text, sizeof listener->kept[0].text, "%.*s",
             (int)text.length, (const char *)text.bytes);
    buffer_free(&text);
    stamp_free(&utc);
}

static uint32_t listener_missing(void *context)
{
    const struct listener *listener = context;
    return listener->missing;
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    scratch_make(b->path);
    snprintf(b->out, sizeof b->out, "%s/out", b->path);
    b->outlet = told_outlet(&b->told);
    b->capture = capture_to(b->out);
    b->listener.tap =
        (struct tap){&b->listener, 0xab, false, listener_number, listener_keep, listener_missing};
    b->listener.unwanted = TAP_STATS;
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
    const struct sink_shared shared = {.tap = &b->listener.tap};
    b->sink = sink_new(&b->capture, &b->outlet, &shared, &SINK_OPTIONS_DEFAULT, &error);
    assert_non_null(b->sink);
    assert_int_equal(error, 0);
}

static void takes(struct bench *b, const struct event *event)
{
    assert_int_equal(sink_event(b->sink, 0, event), 0);
}

static void said(const struct bench *b, size_t which, enum tap_topic topic, const char *text)
{
    assert_true(which < b->listener.count);
    assert_int_equal(b->listener.kept[which].topic, topic);
    assert_string_equal(b->listener.kept[which].text, text);
}

#define HEAD(seq)                                                                                  \
    "{\"tap\": 1, \"capture\": \"0000000000000005\", \"attempt\": 1, \"sink\": "                   \
    "\"00000000000000ab\", \"seq\": " seq ", "

static struct event closed(uint64_t flow, uint8_t transport)
{
    return flow_closed(flow, transport, "1.2.3.4", 1000, "5.6.7.8", 443);
}

static void a_connection_is_told_with_the_keys_of_its_file(void **state)
{
    struct bench *b = *state;
    begin(b);
    struct event close = closed(1, TRANSPORT_TCP);
    close.close.figures.rtt_ns = 1500000;
    pack_map(&b->map, 2);
    pack_pair(&b->map, "https_SNI", "edge.example");
    pack_pair(&b->map, "acme_id", "further");
    close.close.notes = whole(&b->map);
    takes(b, &close);
    said(b, 1, TAP_FLOW_TCP,
         HEAD("1") "\"file\": \"tmp_con.json\", \"ip_port\": \"1.2.3.4-1000-5.6.7.8-443\", "
                   "\"start_timestamp\": \"2023-07-14 15:02:14.000123\", "
                   "\"end_timestamp\": \"2023-07-14 15:02:14.090123\", "
                   "\"packet_count\": 10, \"byte_count\": 145, \"src_dst_packet_count\": 6, "
                   "\"dst_src_packet_count\": 4, \"src_dst_byte_count\": 68, "
                   "\"dst_src_byte_count\": 77, "
                   "\"protocol_type\": \"tcp\", \"http_req_time\": null, \"https_SNI\": "
                   "\"edge.example\", "
                   "\"https_SNI_ip\": \"\", \"https_SNI_time\": null, \"https_Cert_domain\": \"\", "
                   "\"https_Cert_ip\": \"\", \"https_Cert_time\": null, \"bit_peer_ip_1\": \"\", "
                   "\"bit_peer_id_1\": \"\", \"bit_peer_ip_2\": \"\", \"bit_peer_id_2\": \"\", "
                   "\"xunlei_ip_1\": \"\", \"xunlei_id_1\": \"\", \"xunlei_ip_2\": \"\", "
                   "\"xunlei_id_2\": \"\", \"syn_flag\": 0, \"fin_flag\": 0, \"rst_flag\": 0, "
                   "\"rtt/ms\": 1.5, \"acme_id\": \"further\"}");
}

static void an_http_record_does_not_wait_for_its_connection(void **state)
{
    struct bench *b = *state;
    begin(b);
    pack_map(&b->map, 5);
    pack_pair(&b->map, "ip_port", "5.6.7.8-443-1.2.3.4-1000");
    pack_str(&b->map, "start_timestamp");
    pack_time(&b->map, MOMENT);
    pack_str(&b->map, "requester");
    pack_uint(&b->map, 1);
    pack_str(&b->map, "complete");
    pack_bool(&b->map, true);
    pack_pair(&b->map, "req_method", "GET");
    struct event event = record_of(1, TAPLINE_RECORD_HTTP, MOMENT, 4, &b->map);
    takes(b, &event);
    said(b, 1, TAP_HTTP,
         HEAD("1") "\"file\": \"save_http.json\", \"ip_port\": \"5.6.7.8-443-1.2.3.4-1000\", "
                   "\"start_timestamp\": \"2023-07-14 15:02:14.000123\", \"end_timestamp\": null, "
                   "\"req_time\": null, \"src_dst_packet_count\": null, \"dst_src_packet_count\": "
                   "null, "
                   "\"src_dst_byte_count\": null, \"dst_src_byte_count\": null, \"req_method\": "
                   "\"GET\", "
                   "\"req_uri\": null, \"req_need_length\": null, \"req_headers\": null, "
                   "\"req_body\": null, \"req_data\": \"\", \"res_time\": null, \"res_status\": "
                   "null, "
                   "\"res_reason\": null, \"res_need_length\": null, \"res_headers\": null, "
                   "\"res_body\": null, \"res_data\": \"\"}");
}

static void other_records_say_their_flow(void **state)
{
    struct bench *b = *state;
    begin(b);
    static const char *const sni[] = {
        "ip_port", "1.2.3.4-1000-5.6.7.8-443", "sni_domain", "edge.example", "sni_ip", "5.6.7.8",
        NULL};
    pack_texts(&b->map, sni);
    struct event event = record_of(1, TAPLINE_RECORD_SNI, MOMENT, 4, &b->map);
    takes(b, &event);
    said(
        b, 1, TAP_TLS_SNI,
        HEAD(
            "1") "\"file\": \"sni.json\", \"flow\": \"1.2.3.4-1000-5.6.7.8-443\", "
                 "\"sni_domain\": \"edge.example\", \"sni_ip\": \"5.6.7.8\", \"timestamp\": null}");
    buffer_clear(&b->map);
    pack_map(&b->map, 1);
    pack_str(&b->map, "keys");
    pack_array(&b->map, 2);
    pack_str(&b->map, "1.1.1.1:1");
    pack_str(&b->map, "2.2.2.2:2");
    event = record_of(1, TAPLINE_RECORD_XYCDN, MOMENT, 5, &b->map);
    takes(b, &event);
    said(b, 2, TAP_XYCDN,
         HEAD("1") "\"file\": \"xycdn_stun_ip_port.json\", \"key\": \"1.1.1.1:1\", \"num\": 1}");
    said(b, 3, TAP_XYCDN,
         HEAD("2") "\"file\": \"xycdn_stun_ip_port.json\", \"key\": \"2.2.2.2:2\", \"num\": 1}");
}

static void what_nobody_wants_is_counted_and_not_made(void **state)
{
    struct bench *b = *state;
    b->listener.unwanted = TAP_FLOW_TCP;
    begin(b);
    for (uint64_t flow = 1; flow <= 3; flow++) {
        struct event tcp = closed(flow, TRANSPORT_TCP);
        takes(b, &tcp);
    }
    struct event udp = closed(4, TRANSPORT_UDP);
    takes(b, &udp);
    assert_int_equal(b->listener.count, 2);
    assert_int_equal(b->listener.kept[1].topic, TAP_FLOW_UDP);
    assert_int_equal(b->listener.heads[TAP_FLOW_TCP], 3);
}

static void flows_are_told_of_when_they_begin(void **state)
{
    struct bench *b = *state;
    begin(b);
    struct event open = {.kind = TAPLINE_OPEN, .flow = 1};
    open.open = (struct event_open){.transport = TRANSPORT_UDP,
                                    .address = {address_of("1.2.3.4"), address_of("2001:db8::1")},
                                    .port = {1000, 443},
                                    .time_ns = MOMENT};
    takes(b, &open);
    said(b, 1, TAP_FLOW_OPEN,
         HEAD("1") "\"ip_port\": \"1.2.3.4-1000-2001:db8::1-443\", "
                   "\"start_timestamp\": \"2023-07-14 15:02:14.000123\", \"transport\": \"udp\", "
                   "\"src\": \"1.2.3.4\", \"sport\": 1000, \"dst\": \"2001:db8::1\", "
                   "\"dport\": 443}");
}

static void dns_conversations_are_no_records(void **state)
{
    struct bench *b = *state;
    begin(b);
    struct event udp = closed(4, TRANSPORT_UDP);
    pack_map(&b->map, 1);
    pack_str(&b->map, "dns_only");
    pack_bool(&b->map, true);
    udp.close.notes = whole(&b->map);
    takes(b, &udp);
    assert_int_equal(b->listener.heads[TAP_FLOW_UDP], 0);
}

#define COUNTS(tcp)                                                                                \
    "\"records\": {\"flow.tcp\": " tcp ", \"flow.udp\": 0, \"http\": 0, \"tls.sni\": 0, "          \
    "\"tls.cert\": 0, \"dns\": 0, \"xycdn\": 0, \"flow.open\": 0}}"

static void says(const struct bench *b, size_t which, const char *event, const char *part)
{
    char word[64];
    snprintf(word, sizeof word, "\"event\": \"%s\"", event);
    assert_true(which < b->listener.count);
    assert_int_equal(b->listener.kept[which].topic, TAP_CAPTURE);
    assert_non_null(strstr(b->listener.kept[which].text, word));
    assert_non_null(strstr(b->listener.kept[which].text, part));
}

static void a_capture_begins_and_is_published(void **state)
{
    struct bench *b = *state;
    begin(b);
    says(b, 0, "begun", "\"status\": null, \"text\": \"\", \"sources\": [], " COUNTS("0"));
    struct event close = closed(1, TRANSPORT_TCP);
    takes(b, &close);
    assert_int_equal(tracker_tallies(b->sink, 10, 1), 0);
    assert_int_equal(reader_tallies(b->sink, 10, NULL), 0);
    assert_int_equal(b->listener.count, 2);
    assert_int_equal(reader_gives(b->sink, true), 0);
    says(b, 2, "published", "\"status\": 0, \"text\": \"\", \"sources\": [], " COUNTS("1"));
    sink_free(&b->sink);
    assert_int_equal(b->listener.count, 3);
}

static void an_attempt_that_comes_to_nothing_is_void(void **state)
{
    struct bench *b = *state;
    b->capture.attempt = 2;
    begin(b);
    says(b, 0, "attempt", "\"attempt\": 2");
    sink_free(&b->sink);
    says(b, 1, "failed", "\"status\": 5, \"text\": \"the attempt was given up\"");
    begin(b);
    struct event close = closed(1, TRANSPORT_TCP);
    flow_extracted(&close, 1);
    takes(b, &close);
    assert_int_equal(tracker_tallies(b->sink, 10, 1), 0);
    assert_int_equal(reader_tallies(b->sink, 10, NULL), 0);
    says(b, 4, "failed", "1 records were sent ahead");
    sink_free(&b->sink);
    assert_int_equal(b->listener.count, 5);
}

static void reading_waits_for_listeners(void **state)
{
    struct bench *b = *state;
    b->listener.missing = 1;
    begin(b);
    assert_int_equal(b->told.messages, 0);
    assert_int_equal(sink_turn(b->sink, 5), 0);
    assert_int_equal(b->told.messages, 0);
    b->listener.missing = 0;
    assert_int_equal(sink_turn(b->sink, 6), 0);
    assert_int_equal(sink_turn(b->sink, 7), 0);
    assert_int_equal(b->told.messages, 1);
    assert_int_equal(b->told.kind, TAPLINE_ACCEPT);
    assert_int_equal(b->told.status, EXIT_DONE);
    assert_int_equal(b->listener.count, 1);
}

static void waiting_for_listeners_has_an_end(void **state)
{
    struct bench *b = *state;
    b->listener.missing = 2;
    begin(b);
    assert_int_equal(sink_turn(b->sink, 5), 0);
    assert_int_equal(sink_turn(b->sink, 5 + SINK_OPTIONS_DEFAULT.tap_wait_ns), 0);
    assert_int_equal(b->told.status, EXIT_PIPELINE);
    assert_non_null(strstr(b->told.text, "2 of the listeners"));
    sink_free(&b->sink);
    assert_int_equal(b->listener.count, 0);
    b->capture.attempt = 2; /* which has its listeners, or lost them: it goes on */
    begin(b);
    assert_int_equal(b->told.status, EXIT_DONE);
}

#define ATTEMPT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ATTEMPT(a_connection_is_told_with_the_keys_of_its_file),
        ATTEMPT(an_http_record_does_not_wait_for_its_connection),
        ATTEMPT(other_records_say_their_flow),
        ATTEMPT(what_nobody_wants_is_counted_and_not_made),
        ATTEMPT(flows_are_told_of_when_they_begin),
        ATTEMPT(dns_conversations_are_no_records),
        ATTEMPT(a_capture_begins_and_is_published),
        ATTEMPT(an_attempt_that_comes_to_nothing_is_void),
        ATTEMPT(reading_waits_for_listeners),
        ATTEMPT(waiting_for_listeners_has_an_end),
    };
    return cmocka_run_group_tests_name("tap", tests, NULL, NULL);
}
