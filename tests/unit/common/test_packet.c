/* Frames of every link type, whole and broken: what they count as and where their payload is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/decode.h"
#include "common/net/link.h"

/* 192.0.2.1 -> 192.0.2.2, UDP 1000 -> 2000, "data" */
#define UDP4                                                                                       \
    "45000020 00010000 40110000 c0000201 c0000202"                                                 \
    "03e807d0 000c0000 64617461"
/* The same, TCP with one option word, "hello" */
#define TCP4                                                                                       \
    "45000031 00010000 40060000 c0000201 c0000202"                                                 \
    "03e807d0 00000064 000000c8 6018ffff 00000000 01010101 68656c6c6f"
/* An IPv6 header without its first 8 bytes: 2001:db8::1 -> 2001:db8::2 */
#define ADDRESSES6 "20010db8000000000000000000000001 20010db8000000000000000000000002"
#define UDP_HEAD "03e807d0 000c0000 64617461"
#define MACS "020000000001 020000000002"

static uint8_t frame[4096];
static uint32_t frame_length;
static struct packet p;

/* Writes what hexadecimal text says. */
static void lay(const char *text)
{
    frame_length = 0;
    while (*(text += strspn(text, " "))) {
        unsigned byte;
        assert_int_equal(sscanf(text, "%2x", &byte), 1);
        frame[frame_length++] = (uint8_t)byte;
        text += 2;
    }
}

/* Decodes the first bytes of the frame, in memory that ends where they do. */
static void decode_cut(uint32_t link, uint32_t captured)
{
    static uint8_t *copy;
    free(copy);
    copy = malloc(captured ? captured : 1);
    memcpy(copy, frame, captured);
    packet_decode(&p, link, copy, captured, frame_length);
}

static void decode(uint32_t link, const char *text)
{
    lay(text);
    decode_cut(link, frame_length);
}

static void assert_payload(const char *text)
{
    assert_int_equal(p.payload.length, strlen(text));
    assert_int_equal(p.payload.captured, strlen(text));
    assert_memory_equal(p.payload.bytes, text, strlen(text));
}

static void assert_udp(void)
{
    assert_int_equal(p.kind, PACKET_UDP);
    assert_true(p.sound);
    assert_int_equal(p.source_port, 1000);
    assert_int_equal(p.destination_port, 2000);
    assert_payload("data");
}

static void test_links(void **state)
{
    (void)state;
    static const struct {
        uint32_t link;
        const char *text;
    } frames[] = {
        {LINK_ETHERNET, MACS "0800" UDP4},
        {LINK_ETHERNET, MACS "8100 0064 0800" UDP4},
        {LINK_ETHERNET, MACS "88a8 0064 8100 0065 0800" UDP4},
        {LINK_ETHERNET, MACS "9100 0064 8100 0065 8100 0066 0800" UDP4},
        {LINK_ETHERNET, MACS "8847 00010140" UDP4},
        {LINK_ETHERNET, MACS "8847 00010040 00011140" UDP4},
        {LINK_ETHERNET, MACS "8100 0064 8848 00010140" UDP4},
        {LINK_ETHERNET, MACS "8864 1100 0001 0022 0021" UDP4},
        {LINK_ETHERNET, MACS "8100 0064 8864 1100 0001 0022 0021" UDP4},
        {LINK_COOKED, "0000 0001 0006 020000000001 0000 0800" UDP4},
        {LINK_COOKED, "0000 0001 0006 020000000001 0000 8100 0064 0800" UDP4},
        {LINK_COOKED_V2, "0800 0000 00000002 0001 00 06 0200000000010000" UDP4},
        {LINK_RAW, UDP4},
        {LINK_RAW_BSD, UDP4},
        {LINK_RAW_OPENBSD, UDP4},
        {LINK_RAW_IPV4, UDP4},
        {LINK_RAW_IPV6, "60000000 000c1140" ADDRESSES6 UDP_HEAD},
        {LINK_NULL, "02000000" UDP4},
        {LINK_NULL, "00000002" UDP4},
        {LINK_LOOP, "00000002" UDP4},
        {LINK_LOOP, "0000001e 60000000 000c1140" ADDRESSES6 UDP_HEAD},
        {LINK_NULL, "1c000000 60000000 000c1140" ADDRESSES6 UDP_HEAD},
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        decode(frames[i].link, frames[i].text);
        assert_udp();
        for (uint32_t cut = 0; cut < frame_length; cut++) {
            decode_cut(frames[i].link, cut);
            assert_true(p.payload.captured <= cut);
        }
    }
}

static void test_no_ip(void **state)
{
    (void)state;
    static const struct {
        uint32_t link;
        const char *text;
    } frames[] = {
        {LINK_ETHERNET, ""},
        {LINK_ETHERNET, MACS "0806 0001 0800 0604"},
        {LINK_ETHERNET, MACS "0800"},
        {LINK_ETHERNET, MACS "8100 0064"},
        {LINK_ETHERNET, MACS "8847 00010040"},
        {LINK_ETHERNET, MACS "8847 00010140 00000000 020000000001"},
        {LINK_ETHERNET, MACS "8864 1100 0001 0008 c021 01010004"},
        {LINK_ETHERNET, MACS "8863 1100 0001 0008"},
        {LINK_COOKED_V2, "0800 0000 00000002"},
        {LINK_NULL, "07000000" UDP4},
        {LINK_RAW, "35000020 00010000 40110000 c0000201 c0000202"},
        {LINK_RAW, "44000020 00010000 40110000 c0000201 c0000202"},
        {147, UDP4},
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        decode(frames[i].link, frames[i].text);
        assert_int_equal(p.kind, PACKET_NOIP);
        assert_int_equal(p.source.length, 0);
    }
}

static void test_tcp(void **state)
{
    (void)state;
    decode(LINK_RAW, TCP4);
    assert_int_equal(p.kind, PACKET_TCP);
    assert_true(p.sound);
    assert_int_equal(p.seq, 100);
    assert_int_equal(p.ack, 200);
    assert_int_equal(p.tcp_flags, 0x18);
    assert_int_equal(p.window, 65535);
    assert_int_equal(p.header_bytes, 24);
    assert_payload("hello");

    decode_cut(LINK_RAW, 20 + 16); /* enough to follow it by */
    assert_int_equal(p.kind, PACKET_TCP);
    assert_true(p.sound);
    assert_int_equal(p.payload.length, 5);
    assert_int_equal(p.payload.captured, 0);
    decode_cut(LINK_RAW, 20 + 15);
    assert_int_equal(p.kind, PACKET_OTHER);
    decode_cut(LINK_RAW, 19);
    assert_int_equal(p.kind, PACKET_NOIP);

    lay(TCP4);
    frame[32] = 0x40; /* a data offset within the header */
    decode_cut(LINK_RAW, frame_length);
    assert_int_equal(p.kind, PACKET_TCP);
    assert_false(p.sound);
    frame[32] = 0xf0; /* and one behind the packet */
    decode_cut(LINK_RAW, frame_length);
    assert_false(p.sound);
    assert_int_equal(p.payload.length, 0);
}

static void test_lengths(void **state)
{
    (void)state;
    decode(LINK_ETHERNET, MACS "0800" UDP4 "00000000000000000000"); /* Ethernet's padding */
    assert_udp();
    lay(UDP4);
    frame[2] = frame[3] = 0; /* left to the card */
    decode_cut(LINK_RAW, frame_length);
    assert_udp();
    lay(UDP4);
    frame[3] = 200; /* more than the frame had room for */
    decode_cut(LINK_RAW, frame_length);
    assert_udp();
    lay(UDP4);
    frame[25] = 10; /* UDP's length is the shorter one */
    decode_cut(LINK_RAW, frame_length);
    assert_payload("da");
    frame[25] = 0;
    decode_cut(LINK_RAW, frame_length);
    assert_payload("data");
    frame[25] = 7;
    decode_cut(LINK_RAW, frame_length);
    assert_int_equal(p.kind, PACKET_UDP);
    assert_false(p.sound);
    decode(LINK_ETHERNET, MACS "8864 1100 0001 0020 0021" UDP4); /* the session is shorter */
    assert_payload("da");
    lay(UDP4);
    packet_decode(&p, LINK_RAW, frame, 30, 32); /* cut by the snap length */
    assert_int_equal(p.payload.length, 4);
    assert_int_equal(p.payload.captured, 2);
}

static void test_ipv6_extensions(void **state)
{
    (void)state;
    decode(LINK_RAW, "60000000 002c0040" ADDRESSES6 "3c00010400000000" "2b00010400000000"
                     "1101020304050607 08090a0b0c0d0e0f" UDP_HEAD);
    assert_int_equal(p.kind, PACKET_UDP);
    assert_payload("data");
    decode(LINK_RAW, "60000000 00183340" ADDRESSES6 "1101000000000001 00000002" UDP_HEAD);
    assert_udp();
    decode(LINK_RAW, "60000000 00083b40" ADDRESSES6 "0000000000000000"); /* no next header */
    assert_int_equal(p.kind, PACKET_OTHER);
    decode(LINK_RAW, "60000000 00080040" ADDRESSES6 "11ff010400000000"); /* longer than is there */
    assert_int_equal(p.kind, PACKET_OTHER);
    decode(LINK_RAW, "60000000 00083a40" ADDRESSES6 "8000000000000000");
    assert_int_equal(p.kind, PACKET_ICMP);
    decode(LINK_RAW, "60000000 00080140" ADDRESSES6 "8000000000000000");
    assert_int_equal(p.kind, PACKET_OTHER);
}

static void test_many_extensions_are_bounded(void **state)
{
    (void)state;
    lay("60000000 02000040" ADDRESSES6);
    memset(frame + frame_length, 0, 512);
    frame_length += 512;
    decode_cut(LINK_RAW, frame_length);
    assert_int_equal(p.kind, PACKET_OTHER);
}

static void test_fragments(void **state)
{
    (void)state;
    lay(TCP4);
    frame[6] = 0x20; /* more to come */
    decode_cut(LINK_RAW, frame_length);
    assert_int_equal(p.kind, PACKET_TCP);
    assert_true(p.fragment && p.more && !p.sound);
    assert_int_equal(p.payload.length, 5);
    frame[6] = 0;
    frame[7] = 2; /* the second part: all of it is payload */
    decode_cut(LINK_RAW, frame_length);
    assert_true(p.fragment && !p.more);
    assert_int_equal(p.fragment_offset, 16);
    assert_int_equal(p.kind, PACKET_TCP);
    assert_int_equal(p.payload.length, 29);
    decode_cut(LINK_RAW, 24); /* counts by its protocol, however short */
    assert_int_equal(p.kind, PACKET_TCP);

    decode(LINK_RAW, "60000000 00142c40" ADDRESSES6 "1100000100000007" UDP_HEAD);
    assert_true(p.fragment && p.more);
    assert_int_equal(p.fragment_id, 7);
    assert_int_equal(p.kind, PACKET_UDP);
    decode(LINK_RAW, "60000000 00142c40" ADDRESSES6 "1100000000000007" UDP_HEAD);
    assert_false(p.fragment); /* an atomic fragment is a whole packet */
    assert_udp();
}

static void test_tunnels_stay_closed(void **state)
{
    (void)state;
    decode(LINK_RAW, "45000034 00010000 40040000 c0000201 c0000202" UDP4);
    assert_int_equal(p.kind, PACKET_OTHER);
    assert_int_equal(p.payload.length, 0);
}

static void test_pair_hash(void **state)
{
    (void)state;
    decode(LINK_RAW, UDP4);
    uint32_t there = address_pair_hash(&p);
    decode(LINK_RAW, "4500001c 00022001 40060000 c0000202 c0000201 0000000000000000");
    assert_int_equal(address_pair_hash(&p), there); /* the way back, a fragment, other ports */
    assert_int_equal(there, 0xe3fc11b9); /* on every machine */
    decode(LINK_RAW, "4500001c 00022001 40060000 c0000203 c0000201 0000000000000000");
    assert_int_not_equal(address_pair_hash(&p), there);
    decode(LINK_ETHERNET, MACS "0806");
    uint32_t none = address_pair_hash(&p);
    decode(147, "00");
    assert_int_equal(address_pair_hash(&p), none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_no_ip),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_ipv6_extensions),
        cmocka_unit_test(test_many_extensions_are_bounded),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_tunnels_stay_closed),
        cmocka_unit_test(test_pair_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
