/* Each row of the signatures' table, at its edges. */
#include "tests/unit/classifier/payloads.h"
#include "tests/unit/classifier/scene.h"

static const char *const WXY = "deploy/platforms/wxy.json";

/* The notes of a conversation that is one datagram, or a connection that is one segment. */
static const char *alone(struct scene *s, uint8_t transport, const struct payload_bytes *p)
{
    *s = scene_new(WXY);
    scene_open(s, transport);
    scene_data(s, 0, p->bytes, p->length);
    scene_close(s);
    scene_behind(s, "s close\n");
    scene_end(s);
    return s->notes;
}

static void gives(uint8_t transport, struct payload_bytes p, const char *notes)
{
    struct scene s;
    assert_string_equal(alone(&s, transport, &p), notes);
}

#define XUNLEI(id)                                                                                 \
    "{\"protocol_type\"=>\"xunlei\", \"xunlei_ip_1\"=>\"192.0.2.1\", \"xunlei_id_1\"=>\"" id "\"}"
#define TORRENT(id)                                                                                \
    "{\"protocol_type\"=>\"BitTorrent\", \"bit_peer_ip_1\"=>\"192.0.2.1\", "                       \
    "\"bit_peer_id_1\"=>\"" id "\"}"
#define TOUTIAO(value, at)                                                                         \
    "{\"protocol_type\"=>\"toutiao\", \"toutiao_ip\"=>\"192.0.2.1\", "                             \
    "\"toutiao_value\"=>\"" value "\", \"toutiao_location\"=>" at "}"

static void xunlei_over_udp(void **state)
{
    (void)state;
    gives(TRANSPORT_UDP, payload_xunlei(ID_A, 84, 101), XUNLEI(ID_A));
    gives(TRANSPORT_UDP, payload_xunlei(ID_A, 84, 100), "");
    gives(TRANSPORT_UDP, payload_xunlei(ID_A, 9, 26), XUNLEI(ID_A));
    gives(TRANSPORT_UDP, payload_xunlei(ID_A, 9, 25), "");
    gives(TRANSPORT_UDP, payload_xunlei(ID_A, 9, 1200), XUNLEI(ID_A));
    struct payload_bytes both = payload_xunlei(ID_A, 9, 101);
    both.bytes[83] = 0;
    payload_put(&both, 84, ID_B, 16);
    gives(TRANSPORT_UDP, both, XUNLEI(ID_B));
}

static void xunlei_over_tcp(void **state)
{
    (void)state;
    gives(TRANSPORT_TCP, payload_xunlei(ID_A, 51, 68), XUNLEI(ID_A));
    gives(TRANSPORT_TCP, payload_xunlei(ID_A, 51, 67), "");
    gives(TRANSPORT_TCP, payload_xunlei(ID_A, 14, 31), XUNLEI(ID_A));
    gives(TRANSPORT_TCP, payload_xunlei(ID_A, 14, 30), "");
    gives(TRANSPORT_TCP, payload_xunlei(ID_A, 14, 200), XUNLEI(ID_A));
}

static void xunlei_letters_and_digits(void **state)
{
    (void)state;
    static const char others[] = {'-', '_', 0, '\xc3', '/', ':', '@', '[', '`', '{'};
    for (size_t i = 0; i < sizeof others; i++) {
        char id[] = ID_A;
        id[i] = others[i];
        gives(TRANSPORT_UDP, payload_xunlei(id, 9, 40), "");
        gives(TRANSPORT_UDP, payload_xunlei(id, 84, 140), "");
        gives(TRANSPORT_TCP, payload_xunlei(id, 14, 40), "");
        gives(TRANSPORT_TCP, payload_xunlei(id, 51, 80), "");
    }
    struct payload_bytes no_nul = payload_xunlei(ID_A, 9, 40);
    no_nul.bytes[8] = 1;
    gives(TRANSPORT_UDP, no_nul, "");
}

static void xunlei_is_not_stun(void **state)
{
    (void)state;
    struct payload_bytes p = {0}, inner = payload_xunlei(ID_A, 60, 77);
    payload_stun(&p, 0x8022, inner.bytes, inner.length);
    gives(TRANSPORT_UDP, p, "");
    p.bytes[0] = 1;
    p.bytes[1] = 0x12;
    gives(TRANSPORT_UDP, p, XUNLEI(ID_A));
}

static void bittorrent(void **state)
{
    (void)state;
    gives(TRANSPORT_TCP, payload_torrent(PEER_A, 0), TORRENT(PEER_A));
    gives(TRANSPORT_UDP, payload_torrent(PEER_A, 20), TORRENT(PEER_A));
    gives(TRANSPORT_TCP, payload_torrent("-XL0012-\0\0\0\0\0\0\0\0\0\0\0\0", 0),
          TORRENT("-XL0012-"));
    gives(TRANSPORT_TCP, payload_torrent(PEER_A, 1), "");
    gives(TRANSPORT_UDP, payload_torrent(PEER_A, 21), "");
    gives(TRANSPORT_UDP, payload_torrent(PEER_A, 19), "");
    struct payload_bytes p = payload_torrent(PEER_A, 0);
    p.bytes[0] = 18;
    gives(TRANSPORT_TCP, p, "");
    /* Over UDP the byte before the name is not asked for. */
    p = payload_torrent(PEER_A, 20);
    p.bytes[20] = 18;
    gives(TRANSPORT_UDP, p, TORRENT(PEER_A));
}

static void bittorrent_without_an_id(void **state)
{
    (void)state;
    struct payload_bytes p = payload_torrent(PEER_A, 0);
    p.length = 48;
    gives(TRANSPORT_TCP, p, "{\"protocol_type\"=>\"BitTorrent\"}");
    p.length = 60;
    gives(TRANSPORT_TCP, p, TORRENT("-UT3550-abcd"));
    p.length = 20;
    gives(TRANSPORT_TCP, p, "{\"protocol_type\"=>\"BitTorrent\"}");
    p.length = 19;
    gives(TRANSPORT_TCP, p, "");
}

static void toutiao(void **state)
{
    (void)state;
    gives(TRANSPORT_UDP, payload_toutiao("v1.toutiaovod.com", 50, 90),
          TOUTIAO("v1.toutiaovod.com", "50"));
    gives(TRANSPORT_UDP, payload_toutiao("v1.toutiaovod.com", 30, 47),
          TOUTIAO("v1.toutiaovod.com", "30"));
    gives(TRANSPORT_UDP, payload_toutiao("toutiaovod.com", 29, 80), "");
    struct payload_bytes p = payload_toutiao("toutiaovod.com", 49, 64);
    memset(p.bytes + 30, '.', 19);
    gives(TRANSPORT_UDP, p, TOUTIAO("...................toutiaovod.com", "30"));
    p = payload_toutiao("toutiaovod.com", 50, 64);
    p.length = 64; /* it ends with the datagram */
    gives(TRANSPORT_UDP, p, TOUTIAO("toutiaovod.com", "50"));
    p = payload_toutiao("a.toutiaovod.com", 60, 80);
    p.bytes[50] = 0;
    gives(TRANSPORT_UDP, p, TOUTIAO("", "50"));
    gives(TRANSPORT_UDP, payload_toutiao("v1.Toutiaovod.com", 50, 90), "");
}

static void text_is_cleaned(void **state)
{
    (void)state;
    gives(TRANSPORT_UDP, payload_toutiao("a\xff\xc3.toutiaovod.com", 50, 90),
          TOUTIAO("a.toutiaovod.com", "50"));
}

static void tiptime_knows_no_peers(void **state)
{
    (void)state;
    struct scene s = scene_new("deploy/platforms/tt.json");
    struct payload_bytes torrent = payload_torrent(PEER_A, 20), id = payload_xunlei(ID_A, 9, 40);
    scene_open(&s, TRANSPORT_UDP);
    scene_data(&s, 0, torrent.bytes, torrent.length);
    scene_data(&s, 1, id.bytes, id.length);
    scene_close(&s);
    assert_string_equal(s.notes, "");
    scene_end(&s);
}

/* A datagram that the snap length cut: what is there is looked at, and its length is known. */
static void cut_datagrams(void **state)
{
    (void)state;
    struct scene s = scene_new(WXY);
    struct payload_bytes id = payload_xunlei(ID_A, 84, 100);
    scene_open(&s, TRANSPORT_UDP);
    scene_cut(&s, 0, id.bytes, 100, 900);
    scene_close(&s);
    assert_string_equal(s.notes, XUNLEI(ID_A));
    scene_open(&s, TRANSPORT_UDP);
    scene_cut(&s, 0, id.bytes, 99, 900);
    scene_close(&s);
    assert_string_equal(s.notes, "");
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xunlei_over_udp),
        cmocka_unit_test(xunlei_over_tcp),
        cmocka_unit_test(xunlei_letters_and_digits),
        cmocka_unit_test(xunlei_is_not_stun),
        cmocka_unit_test(bittorrent),
        cmocka_unit_test(bittorrent_without_an_id),
        cmocka_unit_test(toutiao),
        cmocka_unit_test(text_is_cleaned),
        cmocka_unit_test(tiptime_knows_no_peers),
        cmocka_unit_test(cut_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
