/* Records' lines: the old tool's look, letter by letter, and values that are not as they should. */
#include "common/base/error.h"
#include "stages/sink/form.h"
#include "tests/unit/sink/attempt.h"

static struct stamp *stamp;
static struct buffer line, maps;

static int set_up(void **state)
{
    (void)state;
    stamp = stamp_new("UTC", 3);
    return stamp ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    stamp_free(&stamp);
    buffer_free(&line);
    buffer_free(&maps);
    return 0;
}

/* By way of what is stored of it, as every record goes. */
static int render(const struct schema *schema, const struct figures *figures)
{
    struct row read, row;
    struct form *form = form_new(schema);
    struct buffer stored = {0};
    char text[IP_PORT_TEXT];
    struct view view = view_of(figures, FROM_INITIATOR, text);
    int error = row_read(&read, schema, whole(&maps));
    buffer_clear(&line);
    if (!error) {
        view_store(&view, &stored);
        row_store(&read, &stored);
        struct unpack from = unpack_over(stored.bytes, stored.length);
        view = view_load(&from, view.flow);
        assert_int_equal(row_load(&row, schema, &from), 0);
        error = form_fill(form, &row, &view, stamp, &line);
    }
    buffer_free(&stored);
    form_free(&form);
    return error;
}

static void renders(const struct schema *schema, const struct figures *figures, const char *want)
{
    assert_int_equal(render(schema, figures), 0);
    buffer_append(&line, "", 1);
    assert_string_equal((const char *)line.bytes, want);
}

#define TCP_HEAD                                                                                   \
    "{\"ip_port\": \"52.109.246.204-29035-115.200.96.237-51413\", "                                \
    "\"start_timestamp\": \"2023-07-14 15:02:14.000123\", "                                        \
    "\"end_timestamp\": \"2023-07-14 15:02:14.090123\", \"packet_count\": 10, "                    \
    "\"byte_count\": 145, \"src_dst_packet_count\": 6, \"dst_src_packet_count\": 4, "              \
    "\"src_dst_byte_count\": 68, \"dst_src_byte_count\": 77, "

static void tcp_looks_as_ever(void **state)
{
    (void)state;
    static const char *const notes[] = {"protocol_type",
                                        "BitTorrent",
                                        "bit_peer_ip_1",
                                        "52.109.246.204",
                                        "bit_peer_id_1",
                                        "-UT3550-jmS01",
                                        "bit_peer_ip_2",
                                        "115.200.96.237",
                                        "bit_peer_id_2",
                                        "-BJ311-sb\"x\"",
                                        NULL};
    struct event event =
        flow_closed(1, TRANSPORT_TCP, "52.109.246.204", 29035, "115.200.96.237", 51413);
    event.close.figures.syn = event.close.figures.fin = 2;
    event.close.figures.rtt_ns = 9999990;
    buffer_clear(&maps);
    pack_texts(&maps, notes);
    renders(&SCHEMA_TCP, &event.close.figures,
            TCP_HEAD
            "\"protocol_type\": \"BitTorrent\", \"http_req_time\": null, \"https_SNI\": \"\", "
            "\"https_SNI_ip\": \"\", \"https_SNI_time\": null, \"https_Cert_domain\": \"\", "
            "\"https_Cert_ip\": \"\", \"https_Cert_time\": null, "
            "\"bit_peer_ip_1\": \"52.109.246.204\", \"bit_peer_id_1\": \"-UT3550-jmS01\", "
            "\"bit_peer_ip_2\": \"115.200.96.237\", \"bit_peer_id_2\": \"-BJ311-sb\\\"x\\\"\", "
            "\"xunlei_ip_1\": \"\", \"xunlei_id_1\": \"\", \"xunlei_ip_2\": \"\", "
            "\"xunlei_id_2\": \"\", \"syn_flag\": 2, \"fin_flag\": 2, \"rst_flag\": 0, "
            "\"rtt/ms\": 9.99999}");
}

static void tcp_that_nobody_knows_has_every_key(void **state)
{
    (void)state;
    struct event event =
        flow_closed(1, TRANSPORT_TCP, "52.109.246.204", 29035, "115.200.96.237", 51413);
    buffer_clear(&maps);
    renders(&SCHEMA_TCP, &event.close.figures,
            TCP_HEAD
            "\"protocol_type\": \"tcp\", \"http_req_time\": null, \"https_SNI\": \"\", "
            "\"https_SNI_ip\": \"\", \"https_SNI_time\": null, \"https_Cert_domain\": \"\", "
            "\"https_Cert_ip\": \"\", \"https_Cert_time\": null, \"bit_peer_ip_1\": \"\", "
            "\"bit_peer_id_1\": \"\", \"bit_peer_ip_2\": \"\", \"bit_peer_id_2\": \"\", "
            "\"xunlei_ip_1\": \"\", \"xunlei_id_1\": \"\", \"xunlei_ip_2\": \"\", "
            "\"xunlei_id_2\": \"\", \"syn_flag\": 0, \"fin_flag\": 0, \"rst_flag\": 0, "
            "\"rtt/ms\": 0.0}");
}

/* Two stages' notes; a JSON object from the traffic; a key that the schema does not know. */
static void udp_looks_as_ever(void **state)
{
    (void)state;
    struct event event =
        flow_closed(1, TRANSPORT_UDP, "105.129.29.137", 33171, "2001:db8::1", 3478);
    buffer_clear(&maps);
    pack_map(&maps, 3);
    pack_pair(&maps, "protocol_type", "stun");
    pack_str(&maps, "identifiers");
    pack_array(&maps, 1);
    pack_map(&maps, 1);
    pack_pair(&maps, "signature", "made-up");
    pack_str(&maps, "toutiao_location");
    pack_uint(&maps, 30);
    pack_map(&maps, 1);
    pack_str(&maps, "stun_values");
    pack_array(&maps, 1);
    pack_map(&maps, 4);
    pack_str(&maps, "device_type");
    pack_double(&maps, 1.5);
    pack_pair(&maps, "device_id", "\xe8\xae\xbe\xe5\xa4\x87u0pJ");
    pack_str(&maps, "n");
    pack_int(&maps, -7);
    pack_pair(&maps, "data_ip", "105.129.29.137");
    renders(
        &SCHEMA_UDP, &event.close.figures,
        "{\"ip_port\": \"105.129.29.137-33171-2001:db8::1-3478\", "
        "\"start_timestamp\": \"2023-07-14 15:02:14.000123\", "
        "\"end_timestamp\": \"2023-07-14 15:02:14.090123\", \"packet_count\": 10, "
        "\"byte_count\": 145, \"src_dst_packet_count\": 6, \"dst_src_packet_count\": 4, "
        "\"src_dst_byte_count\": 68, \"dst_src_byte_count\": 77, \"protocol_type\": \"stun\", "
        "\"bit_peer_ip_1\": \"\", \"bit_peer_id_1\": \"\", \"bit_peer_ip_2\": \"\", "
        "\"bit_peer_id_2\": \"\", \"toutiao_ip\": \"\", \"toutiao_value\": \"\", "
        "\"toutiao_location\": 30, \"xunlei_ip_1\": \"\", \"xunlei_id_1\": \"\", "
        "\"xunlei_ip_2\": \"\", \"xunlei_id_2\": \"\", \"stun_values\": [{\"device_type\": 1.5, "
        "\"device_id\": \"\xe8\xae\xbe\xe5\xa4\x87u0pJ\", \"n\": -7, "
        "\"data_ip\": \"105.129.29.137\"}], \"identifiers\": [{\"signature\": \"made-up\"}]}");
}

static void what_is_not_of_its_type_is_refused(void **state)
{
    (void)state;
    struct event event = flow_closed(1, TRANSPORT_TCP, "1.2.3.4", 1, "5.6.7.8", 2);
    for (int wrong = 0; wrong < 4; wrong++) {
        buffer_clear(&maps);
        pack_map(&maps, 1);
        pack_str(&maps, wrong == 0 ? "http_req_time" : wrong == 3 ? "further" : "protocol_type");
        if (wrong < 2)
            pack_uint(&maps, 1);
        else if (wrong == 2)
            pack_array(&maps, 0);
        else
            pack_bin(&maps, "x", 1);
        assert_int_equal(render(&SCHEMA_TCP, &event.close.figures), ERR_MALFORMED);
    }
    buffer_clear(&maps);
    pack_uint(&maps, 1);
    assert_int_equal(render(&SCHEMA_TCP, &event.close.figures), ERR_MALFORMED);
}

static void what_goes_beyond_a_limit_is_refused(void **state)
{
    (void)state;
    struct event event = flow_closed(1, TRANSPORT_TCP, "1.2.3.4", 1, "5.6.7.8", 2);
    buffer_clear(&maps);
    pack_map(&maps, 1);
    pack_str(&maps, "deep");
    for (int i = 0; i < 100000; i++)
        pack_array(&maps, 1);
    pack_nil(&maps);
    assert_int_equal(render(&SCHEMA_TCP, &event.close.figures), ERR_MALFORMED);
    buffer_clear(&maps);
    pack_map(&maps, MAX_FURTHER + 1);
    for (int i = 0; i <= MAX_FURTHER; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        pack_pair(&maps, key, "v");
    }
    assert_int_equal(render(&SCHEMA_TCP, &event.close.figures), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_looks_as_ever),
        cmocka_unit_test(tcp_that_nobody_knows_has_every_key),
        cmocka_unit_test(udp_looks_as_ever),
        cmocka_unit_test(what_is_not_of_its_type_is_refused),
        cmocka_unit_test(what_goes_beyond_a_limit_is_refused),
    };
    return cmocka_run_group_tests_name("row", tests, set_up, tear_down);
}
