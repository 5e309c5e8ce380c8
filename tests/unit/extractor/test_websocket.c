/* WebSocket frames, and the addresses in their text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stages/extractor/websocket_addresses.h"
#include "tests/unit/extractor/rig.h"

static struct rig *rig;

static int set_up(void **state)
{
    (void)state;
    rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP | TAPLINE_HINT_WS_ADDRESSES);
    rig_say(rig, RIG_CLIENT, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    rig_say(rig, RIG_SERVER, "HTTP/1.1 101 Up\r\nUpgrade: websocket\r\n\r\n");
    return rig->error || rig->records != 1;
}

static int tear_down(void **state)
{
    (void)state;
    int error = rig->error;
    rig_free(&rig);
    return error;
}

enum { TEXT = 0x81, TEXT_GOES_ON = 0x01, MORE = 0x00, LAST = 0x80, BINARY = 0x82, PACKED = 0xc1 };

/* A frame, sent in segments of `size` bytes (0: one). */
static void frame(int side, uint8_t first, const char *text, size_t length, size_t size)
{
    uint8_t *bytes = malloc(length + 14), *at = bytes;
    *at++ = first;
    uint8_t masked = side == RIG_CLIENT ? 0x80 : 0;
    if (length < 126) {
        *at++ = (uint8_t)(masked | length);
    } else {
        *at++ = masked | 127;
        for (int i = 7; i >= 0; i--)
            *at++ = (uint8_t)((uint64_t)length >> 8 * i);
    }
    static const uint8_t mask[4] = {0x5a, 0, 0xff, 0x31};
    if (masked)
        for (int i = 0; i < 4; i++)
            *at++ = mask[i];
    for (size_t i = 0; i < length; i++)
        *at++ = (uint8_t)(text[i] ^ (masked ? mask[i % 4] : 0));
    size_t whole = (size_t)(at - bytes);
    if (!size)
        size = whole;
    for (size_t i = 0; i < whole; i += size)
        rig_data(rig, side, bytes + i, whole - i < size ? whole - i : size);
    free(bytes);
}

static void expect_keys(const char *keys)
{
    size_t last = rig->records - 1;
    assert_int_equal(rig->record[last].record, TAPLINE_RECORD_XYCDN);
    assert_string_equal(rig_field(rig, last, "keys"), keys);
}

static void say(const char *text)
{
    frame(RIG_SERVER, TEXT, text, strlen(text), 0);
}

static void frames(void **state)
{
    (void)state;
    say("{\"stun\":\"192.0.2.1:1001\"}");
    expect_keys("[192.0.2.1:1001]");
    say("a 192.0.2.2:1002 b 192.0.2.3:1003 c");
    expect_keys("[192.0.2.2:1002-192.0.2.3:1003]");
    say("1.1.1.1:1 2.2.2.2:2 3.3.3.3:3");
    expect_keys("[1.1.1.1:1,2.2.2.2:2,3.3.3.3:3]");
    size_t records = rig->records;
    say("nothing");
    say("");
    frame(RIG_SERVER, BINARY, "1.1.1.1:1", 9, 0);
    frame(RIG_SERVER, PACKED, "1.1.1.1:1", 9, 0);
    frame(RIG_SERVER, 0x89, "1.1.1.1:1", 9, 0);
    assert_int_equal(rig->records, records);
}

static void segments(void **state)
{
    (void)state;
    for (size_t size = 1; size < 9; size++)
        for (int side = 0; side < DIRECTIONS; side++) {
            frame(side, TEXT, "10.20.30.40:50000,1.2.3.4:5", 27, size);
            expect_keys("[10.20.30.40:50000-1.2.3.4:5]");
        }
}

static void fragments(void **state)
{
    (void)state;
    frame(RIG_CLIENT, TEXT_GOES_ON, "9.9.9.9:9", 9, 0);
    expect_keys("[9.9.9.9:9]");
    frame(RIG_CLIENT, MORE, "1.2.3.4:5 6.7.8.9:10", 20, 3);
    expect_keys("[1.2.3.4:5-6.7.8.9:10]");
    frame(RIG_CLIENT, LAST, "1.1.1.1:11", 10, 0);
    expect_keys("[1.1.1.1:11]");
    size_t records = rig->records;
    frame(RIG_CLIENT, BINARY & ~LAST, "a", 1, 0);
    frame(RIG_CLIENT, LAST, "1.1.1.1:11", 10, 0);
    assert_int_equal(rig->records, records);
}

static void large(void **state)
{
    (void)state;
    enum { LARGE = 100000 };
    char *text = malloc(LARGE);
    memset(text, ' ', LARGE);
    memcpy(text + 70000, "192.0.2.11:1011", 15);
    frame(RIG_SERVER, TEXT, text, LARGE, 1460);
    expect_keys("[192.0.2.11:1011]");
    frame(RIG_SERVER, BINARY, text, LARGE, 1460);
    assert_true(rig->demands > 0);
    say("1.2.3.4:5");
    expect_keys("[1.2.3.4:5]");
    free(text);
}

static void gaps(void **state)
{
    (void)state;
    rig_data(rig, RIG_SERVER,
             "\x81\x28"
             "1.2.3.4:5 2.2.2.2:2",
             21);
    rig_gap(rig, RIG_SERVER, 6);
    rig_say(rig, RIG_SERVER, "7.7.7.7:7 6.6.6");
    expect_keys("[1.2.3.4:5]");
    say("8.8.8.8:8");
    expect_keys("[8.8.8.8:8]");
    size_t records = rig->records;
    rig_gap(rig, RIG_SERVER, 3);
    say("1.1.1.1:1");
    assert_int_equal(rig->records, records);
    assert_int_equal(rig->demand[RIG_SERVER].want, TAPLINE_WANT_NOTHING);
}

static void cut_short(void **state)
{
    (void)state;
    rig_data(rig, RIG_CLIENT,
             "\x81\x50"
             "1.2.3.4:5 6.7.8.9:1",
             21);
    rig_close(rig, false, false);
    expect_keys("[1.2.3.4:5]");
}

/* Every way to cut the text gives the same addresses. */
static void expect_addresses(const char *text, const char *addresses)
{
    size_t length = strlen(text);
    for (size_t cut = 0; cut <= length; cut++) {
        struct websocket_addresses a = {0};
        char found[256] = "";
        websocket_addresses_read(&a, (const uint8_t *)text, cut);
        websocket_addresses_read(&a, (const uint8_t *)text + cut, length - cut);
        websocket_addresses_end(&a);
        for (size_t i = 0; i < a.found.length; i += strlen((char *)a.found.bytes + i) + 1) {
            strcat(found, (char *)a.found.bytes + i);
            strcat(found, " ");
        }
        assert_string_equal(found, addresses);
        buffer_free(&a.found);
    }
}

static void addresses(void **state)
{
    (void)state;
    expect_addresses("255.255.255.255:65535", "255.255.255.255:65535 ");
    expect_addresses("0.0.0.0:1x1.2.3.4:5.", "0.0.0.0:1 1.2.3.4:5 ");
    expect_addresses("256.1.1.1:1 1.1.1.1:0 1.1.1.1:65536 1.1.1:1 v1.2.3:4 :80", "");
    expect_addresses("1111.1.1.1:1 1.1.1.1:123456 1..1.1.1:1 1.1.1.1 :1", "");
    expect_addresses("1.2.3.4.5:6", "2.3.4.5:6 ");
    expect_addresses("1.2.3.4:5:6 1.2.3.4:5.6.7.8:9", "1.2.3.4:5 1.2.3.4:5 ");
    expect_addresses("00000000000000000000000001.1.1.1:1", "");
    expect_addresses("99999999999999999999.255.255.255.255:65535", "255.255.255.255:65535 ");
    expect_addresses("[1.1.1.1:1,2.2.2.2:2]", "1.1.1.1:1 2.2.2.2:2 ");
}

static void too_many(void **state)
{
    (void)state;
    struct websocket_addresses a = {0};
    for (int i = 0; i < WEBSOCKET_ADDRESSES_MOST + 5; i++)
        websocket_addresses_read(&a, (const uint8_t *)"1.1.1.1:1 ", 10);
    assert_int_equal(a.count, WEBSOCKET_ADDRESSES_MOST);
    assert_int_equal(a.dropped, 5);
    buffer_free(&a.found);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames),
        TEST(segments),
        TEST(fragments),
        TEST(large),
        TEST(gaps),
        TEST(cut_short),
        cmocka_unit_test(addresses),
        cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
