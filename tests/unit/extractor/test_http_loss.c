/* Bytes that the capture lost, and what HTTP becomes after an upgrade. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/extractor/http_scene.h"

static void fill_in(int side, size_t length)
{
    char *body = malloc(length);
    memset(body, 'b', length);
    rig_data(rig, side, body, length);
    free(body);
}

static void expect_next_exchange(const char *uri)
{
    char request[64];
    size_t n = rig->records;
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n", uri);
    ask(request);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect(n, "req_uri", uri);
    expect(n, "complete", "yes");
    assert_int_equal(rig->records, n + 1);
}

/* A body of 8,000 bytes with a hole of 100 at `at`. */
static void hole_at(size_t at, const char *complete, const char *need)
{
    size_t n = rig->records;
    ask("GET /hole HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n");
    if (at)
        fill_in(RIG_SERVER, at);
    rig_gap(rig, RIG_SERVER, 100);
    if (at < 7900)
        fill_in(RIG_SERVER, 7900 - at);
    expect(n, "complete", complete);
    expect(n, "res_need_length", need);
    assert_int_equal(strlen(rig_field(rig, n, "res_body")), at < 5120 ? at : 5120);
    expect_next_exchange("/next");
}

static void holes_in_a_body(void **state)
{
    (void)state;
    hole_at(0, "no", "5120");
    hole_at(1, "no", "5119");
    hole_at(5119, "no", "1");
    hole_at(5120, "yes", "0");
    hole_at(7900, "yes", "0");
}

static void a_hole_over_the_end(void **state)
{
    (void)state;
    ask("GET /over HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n");
    fill_in(RIG_SERVER, 6000);
    rig_gap(rig, RIG_SERVER, 2500);
    expect(0, "complete", "yes");
    answer("tail of what was lost");
    expect_next_exchange("/next");
}

static void holes_in_chunks(void **state)
{
    (void)state;
    ask("GET /within HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc");
    rig_gap(rig, RIG_SERVER, 97);
    answer("\r\n3\r\ndef\r\n0\r\n\r\n");
    expect(0, "complete", "no");
    expect(0, "res_body", "abc");
    expect(0, "res_need_length", "0");
    expect_next_exchange("/next");
    ask("GET /across HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab");
    rig_gap(rig, RIG_SERVER, 3);
    expect(2, "complete", "no");
    expect(2, "res_body", "ab");
    answer("\n0\r\n\r\n");
    expect_next_exchange("/after");
}

static void a_hole_in_a_head(void **state)
{
    (void)state;
    ask("GET /torn HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nA: 1\r\nB: ");
    rig_gap(rig, RIG_SERVER, 10);
    expect(0, "res_headers", "[[a,1]]");
    expect(0, "complete", "no");
    expect_next_exchange("/next");
}

static void a_lost_request(void **state)
{
    (void)state;
    ask("GET /1 HTTP/1.1\r\n\r\n");
    rig_gap(rig, RIG_CLIENT, 30);
    ask("GET /3 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 204 No\r\n\r\n");
    expect(0, "req_uri", "/1");
    answer("HTTP/1.1 204 No\r\n\r\n");
    expect(1, "req_uri", "/3");
}

static void lost_answers(void **state)
{
    (void)state;
    ask("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    rig_gap(rig, RIG_SERVER, 100);
    ask("GET /3 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
    assert_int_equal(rig->records, 3);
    expect(0, "res_status", "nil");
    expect(1, "res_status", "nil");
    expect(2, "req_uri", "/3");
    expect(2, "complete", "yes");
    ask("GET /4 HTTP/1.1\r\n\r\nGET /5 HTTP/1.1\r\n\r\n");
    rig_gap(rig, RIG_SERVER, 100);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n?");
    rig_close(rig, true, true);
    assert_int_equal(rig->records, 5);
    expect(3, "res_status", "nil");
    expect(4, "req_uri", "/5");
    expect(4, "res_body", "?");
}

/* Of the first answer something came behind the hole, so the next turn is told from it. */
static void an_answer_without_its_head(void **state)
{
    (void)state;
    ask("GET /1 HTTP/1.1\r\n\r\n");
    rig_gap(rig, RIG_SERVER, 100);
    answer("the rest of a body");
    ask("GET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 204 No\r\n\r\nHTTP/1.1 205 No\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(rig->records, 3);
    expect(0, "res_status", "nil");
    expect(1, "req_uri", "/2");
    expect(1, "res_status", "204");
    expect(2, "res_status", "205");
}

static void until_close_with_holes(void **state)
{
    (void)state;
    ask("GET /u HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\n\r\n");
    fill_in(RIG_SERVER, 6000);
    rig_gap(rig, RIG_SERVER, 10);
    rig_close(rig, false, true);
    expect(0, "complete", "yes");
}

static void a_gigabyte(void **state)
{
    (void)state;
    ask("GET /g HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
    fill_in(RIG_SERVER, 5120);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    rig->deaf = true;
    rig_gap(rig, RIG_SERVER, 1073741824 - 5121);
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t took = (after.tv_sec - before.tv_sec) * RIG_SECOND + after.tv_nsec - before.tv_nsec;
    assert_true(took < RIG_SECOND / 20);
    answer("!HTTP/1.1 ");
    expect(0, "complete", "yes");
}

/* ---- another protocol ----------------------------------------------------------------------- */

static void upgrade_taken(void **state)
{
    (void)state;
    ask("GET /chat HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nGET /not HTTP/1.1\r\nx");
    answer("HTTP/1.1 101 Switching\r\nUpgrade: chat\r\n\r\n\x01\x02\x03");
    expect(0, "res_status", "101");
    expect(0, "complete", "yes");
    rig_close(rig, true, true);
    assert_int_equal(rig->records, 2);
}

static void upgrade_not_taken(void **state)
{
    (void)state;
    ask("GET /stay HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nGET /piped "
        "HTTP/1.1\r\n\r\n");
    assert_int_equal(rig->records, 0);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nstay"
           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    expect(0, "req_uri", "/stay");
    expect(1, "req_uri", "/piped");
    expect(1, "complete", "yes");
}

static void upgrade_unanswered(void **state)
{
    (void)state;
    ask("GET /a HTTP/1.1\r\nUpgrade: h2c\r\n\r\n");
    ask("GET /b HTTP/1.1\r\nUpgrade: h2c\r\n\r\n");
    ask("GET /c HTTP/1.1\r\n\r\n");
    rig_close(rig, true, true);
    assert_int_equal(rig->records, 3);
    expect(2, "req_uri", "/c");
}

static void too_much_to_hold(void **state)
{
    (void)state;
    ask("PUT /a HTTP/1.1\r\nUpgrade: h2c\r\n\r\n");
    ask("PUT /b HTTP/1.1\r\nContent-Length: 200000\r\n\r\n");
    for (int i = 0; i < 20; i++)
        fill_in(RIG_CLIENT, 10000);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 204 OK\r\n\r\n");
    expect(1, "req_uri", "/b");
    expect(1, "complete", "yes");
}

static void connect_refused(void **state)
{
    (void)state;
    ask("CONNECT h:443 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 407 Who\r\nContent-Length: 3\r\n\r\nwho");
    expect(0, "res_body", "who");
    expect_next_exchange("/next");
}

static void http_in_a_tunnel(void **state)
{
    (void)state;
    ask("CONNECT h:80 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
    expect(0, "res_need_length", "0");
    expect(0, "complete", "yes");
    expect_next_exchange("/inside");
}

/* A ClientHello with the server name "in.example" (RFC 8446, section 4.1.2; RFC 6066, 3). */
#define HELLO                                                                                      \
    "\x16\x03\x01\0\x49\x01\0\0\x45\x03\x03"                                                       \
    "0123456789abcdef0123456789abcdef"                                                             \
    "\0\0\x02\x13\x01\x01\0\0\x1a\0\0\0\x0f\0\x0d\0\0\x0ain.example\0\x2b\0\x03\x02\x03\x04"

static void tls_in_a_tunnel_comes_in(size_t piece)
{
    ask("CONNECT in.example:443 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\n\r\n");
    static const char hello[] = HELLO;
    for (size_t at = 0, left = sizeof hello - 1; left; at += piece, left -= piece) {
        piece = piece < left ? piece : left;
        rig_data(rig, RIG_CLIENT, hello + at, piece);
    }
    rig_close(rig, true, true);
    assert_int_equal(rig->records, 2);
    assert_int_equal(rig->record[1].record, TAPLINE_RECORD_SNI);
    expect(1, "sni_domain", "in.example");
    expect(1, "sni_ip", "198.51.100.2");
}

static void tls_in_a_tunnel(void **state)
{
    (void)state;
    tls_in_a_tunnel_comes_in(1);
}

/* Within the time that is waited for. */
static void tls_in_a_tunnel_in_pieces(void **state)
{
    (void)state;
    tls_in_a_tunnel_comes_in(9);
}

/* What the requester says before it has its answer is kept back; and so are the marks. */
static void tls_before_the_tunnel_is_there(void **state)
{
    (void)state;
    static const char hello[] = HELLO;
    ask("CONNECT in.example:443 HTTP/1.1\r\n\r\n");
    rig_data(rig, RIG_CLIENT, hello, sizeof hello - 1);
    answer("HTTP/1.1 ");
    answer("200 OK\r\n\r\n");
    answer("\x16\x03\x03");
    rig_close(rig, true, true);
    assert_int_equal(rig->records, 2);
    assert_int_equal(rig->record[1].record, TAPLINE_RECORD_SNI);
    assert_int_equal(rig->record[1].time_ns, 2 * (int64_t)RIG_SECOND);
    assert_int_equal(rig->kept_ns, rig->marked_ns);
}

static void websocket_without_the_hint(void **state)
{
    (void)state;
    ask("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    answer("HTTP/1.1 101 Up\r\nUpgrade: WebSocket\r\n\r\n\x81\x0b"
           "1.2.3.4:567");
    answer("HTTP/1.1 200 OK\r\n\r\n");
    rig_close(rig, true, true);
    assert_int_equal(rig->records, 1);
    assert_int_equal(rig->demand[RIG_SERVER].want, TAPLINE_WANT_NOTHING);
}

/* A hole before the requests: what was asked early is handed on late, behind its answers. */
static void a_request_behind_a_hole(void **state)
{
    (void)state;
    rig->packet = 10;
    answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
    rig->packet = 20;
    answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
    assert_int_equal(rig->records, 0);
    rig_gap(rig, RIG_CLIENT, 40);
    rig->packet = 15;
    ask("GET /two HTTP/1.1\r\n\r\n");
    assert_int_equal(rig->records, 2);
    expect(0, "req_uri", "nil");
    expect(0, "res_body", "one");
    expect(1, "req_uri", "/two");
    expect(1, "res_body", "two");
    expect(1, "complete", "yes");
    rig->packet = 30;
    expect_next_exchange("/three");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(holes_in_a_body),        TEST(a_hole_over_the_end),
        TEST(holes_in_chunks),        TEST(a_hole_in_a_head),
        TEST(a_lost_request),         TEST(a_request_behind_a_hole),
        TEST(lost_answers),           TEST(an_answer_without_its_head),
        TEST(until_close_with_holes), TEST(a_gigabyte),
        TEST(upgrade_taken),          TEST(upgrade_not_taken),
        TEST(upgrade_unanswered),     TEST(too_much_to_hold),
        TEST(connect_refused),        TEST(http_in_a_tunnel),
        TEST(tls_in_a_tunnel),        TEST(tls_in_a_tunnel_in_pieces),
        TEST(websocket_without_the_hint),
        TEST(tls_before_the_tunnel_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
