/* HTTP messages and their pairing, as records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/extractor/http_scene.h"

#define finish() rig_close(rig, true, true)

static void expect_exchange(size_t n, const char *uri, const char *status, const char *body)
{
    expect(n, "req_uri", uri);
    expect(n, "res_status", status);
    expect(n, "res_body", body);
    expect(n, "complete", "yes");
}

static void one_exchange(void **state)
{
    (void)state;
    ask("GET /x?y=1#z HTTP/1.1\r\nHost: Edge\r\nCookie: a\r\nX:  1 \r\ncookie: b\r\n\r\n");
    answer("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngo");
    answer("ne");
    assert_int_equal(rig->records, 1);
    expect(0, "requester", "0");
    expect(0, "complete", "yes");
    expect(0, "req_time", "1s");
    expect(0, "req_method", "GET");
    expect(0, "req_uri", "/x?y=1#z");
    expect(0, "req_need_length", "0");
    expect(0, "req_headers", "[[host,Edge],[cookie,[a,b]],[x,1]]");
    expect(0, "req_body", "");
    expect(0, "req_data", "");
    expect(0, "res_time", "2s");
    expect(0, "res_status", "404");
    expect(0, "res_reason", "Not Found");
    expect(0, "res_need_length", "0");
    expect(0, "res_headers", "[[content-length,4]]");
    expect(0, "res_body", "gone");
    expect(0, "res_data", "");
    assert_int_equal(rig->record[0].time_ns, 1LL * RIG_SECOND);
    assert_int_equal(rig->record[0].packet, 1);
}

static void the_caller_is_asked(void **state)
{
    (void)state;
    rig_say(rig, RIG_SERVER, "GET /turned HTTP/1.1\r\n\r\n");
    rig_say(rig, RIG_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    expect(0, "requester", "1");
    expect_exchange(0, "/turned", "200", "");
}

static void pipelined(void **state)
{
    (void)state;
    ask("GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\nPOST /3 HTTP/1.1\r\nContent-Length: "
        "2\r\n\r\nhi"
        "GET /4 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
           "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
           "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
           "HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(rig->records, 4);
    expect_exchange(0, "/1", "200", "one");
    expect_exchange(1, "/2", "200", "");
    expect(1, "res_need_length", "0");
    expect_exchange(2, "/3", "304", "");
    expect(2, "req_body", "hi");
    expect(2, "res_need_length", "0");
    expect_exchange(3, "/4", "204", "");
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(rig->record[i].order, i);
}

static void chunked(void **state)
{
    (void)state;
    ask("GET /c HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2 ; x=\"y\"\r\nde\r\n"
           "00A  \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n");
    expect_exchange(0, "/c", "200", "abcde0123456789");
    expect(0, "res_headers", "[[transfer-encoding,chunked]]");
    ask("GET /d HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\nx\r\n0\n\r\n");
    expect_exchange(1, "/d", "200", "x");
}

static void interim_answers(void **state)
{
    (void)state;
    ask("PUT /up HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    ask("data");
    answer("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(rig->records, 1);
    expect_exchange(0, "/up", "201", "");
    expect(0, "req_body", "data");
    expect(0, "res_time", "4s");
}

static void an_early_answer(void **state)
{
    (void)state;
    ask("PUT /up HTTP/1.1\r\nContent-Length: 4\r\n\r\nda");
    answer("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(rig->records, 0);
    ask("ta");
    expect_exchange(0, "/up", "413", "");
}

static void until_the_stream_ends(void **state)
{
    (void)state;
    ask("GET /e HTTP/1.0\r\n\r\n");
    answer("HTTP/1.0 200 OK\r\n\r\nuntil ");
    answer("the end");
    rig_close(rig, false, true);
    expect_exchange(0, "/e", "200", "until the end");
}

static void until_the_capture_ends(void **state)
{
    (void)state;
    ask("GET /e HTTP/1.0\r\n\r\n");
    answer("HTTP/1.0 200 OK\r\n\r\nuntil ");
    rig_close(rig, true, false);
    expect(0, "complete", "no");
    expect(0, "res_body", "until ");
}

static void unanswered(void **state)
{
    (void)state;
    ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHo");
    finish();
    assert_int_equal(rig->records, 2);
    static const char *const keys[] = {"res_time",        "res_status",  "res_reason",
                                       "res_need_length", "res_headers", "res_body"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        expect(0, keys[i], "nil");
    expect(0, "res_data", "");
    expect(1, "req_uri", "/b");
    expect(1, "req_headers", "[]");
    expect(1, "complete", "no");
}

static void an_answer_alone(void **state)
{
    (void)state;
    answer("HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\nok");
    assert_int_equal(rig->records, 0); /* its request may be behind a hole */
    ask("GET /next HTTP/1.1\r\n\r\n");
    assert_int_equal(rig->records, 1);
    expect(0, "requester", "0");
    expect(0, "complete", "no");
    expect(0, "req_time", "nil");
    expect(0, "req_headers", "nil");
    expect(0, "req_data", "");
    expect(0, "res_status", "206");
    expect(0, "res_body", "ok");
    answer("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n");
    expect_exchange(1, "/next", "200", "");
    expect(1, "res_reason", "");
}

static void refused(void **state)
{
    (void)state;
    ask("GET /bad HTTP/1.1\r\nHost: h\r\nNo\x01Name: x\r\n\r\nGET /not/a/turn HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad");
    expect(0, "req_uri", "/bad");
    expect(0, "req_headers", "[[host,h]]");
    expect(0, "complete", "no");
    expect(0, "res_body", "bad");
    ask("GET /good HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n");
    expect(1, "req_uri", "/good");
    expect(1, "complete", "no");
    expect(1, "res_body", "ok");
    answer("HTTP/1.1 200 not a turn\r\n\r\n");
    ask("GET /again HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!");
    assert_int_equal(rig->records, 3);
    expect_exchange(2, "/again", "200", "!");
}

static void lenient(void **state)
{
    (void)state;
    ask("\r\n\r\nGET http://h/a|b^c HTTP/1.1\nA b : c\nFold: one\n two\nBell: \a\n\n");
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: "
           "7\r\n\r\n1\r\nx\r\n0\r\n\r\n");
    expect_exchange(0, "http://h/a|b^c", "200", "x");
    expect(0, "req_headers", "[[a b,c],[fold,one two],[bell,\a]]");
    expect(0, "res_need_length", "0");
}

static void many_waiting(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        char request[64];
        snprintf(request, sizeof request, "GET /%d HTTP/1.1\r\n\r\n", i);
        ask(request);
    }
    assert_int_equal(rig->records, 300 - 256);
    expect(0, "req_uri", "/0");
    expect(0, "res_status", "nil");
    for (int i = 0; i < 300; i++)
        answer("HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(rig->records, 300 + 44);
    expect(44, "req_uri", "nil");
    expect(88, "req_uri", "/44");
    expect(343, "req_uri", "/299");
    expect(343, "complete", "yes");
}

static void notes(void **state)
{
    (void)state;
    ask("GET /1 HTTP/1.1\r\n\r\n");
    ask("GET /2 HTTP/1.1\r\n\r\n");
    finish();
    struct unpack u = unpack_over(rig->close.bytes, rig->close.length);
    struct event event;
    assert_int_equal(event_unpack(&u, NULL, &event), 0);
    const struct slice *n = &event.close.notes;
    assert_string_equal(rig_value(rig, n->bytes, n->length, "http_req_time"), "2s");
    assert_int_equal(event.close.trail[0].received, 2);
    assert_int_equal(event.close.trail[0].records, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_exchange),
        TEST(the_caller_is_asked),
        TEST(pipelined),
        TEST(chunked),
        TEST(interim_answers),
        TEST(an_early_answer),
        TEST(until_the_stream_ends),
        TEST(until_the_capture_ends),
        TEST(unanswered),
        TEST(an_answer_alone),
        TEST(refused),
        TEST(lenient),
        TEST(many_waiting),
        TEST(notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
