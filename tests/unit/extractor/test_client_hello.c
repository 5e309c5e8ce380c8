/* The ClientHello parser, on bytes of OpenSSL's and on such as break off or lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "stages/extractor/client_hello.h"
#include "stages/extractor/tls_server_hello.h"
#include "tests/unit/extractor/feed.h"
#include "tests/unit/extractor/tls_transcripts.h"

enum { RECORD_AND_MESSAGE = 5 + 4, HELLO = 155 - 4 };

/* A hello with one session byte, one cipher, one compression method, and these extensions. */
static size_t hello_with(uint8_t *out, const uint8_t *extensions, size_t length)
{
    size_t at = 0;
    memset(out, 0, 34);
    out[0] = out[1] = 3;
    at += 34;
    static const uint8_t lists[] = {1, 0xaa, 0, 2, 0x13, 0x01, 1, 0};
    memcpy(out + at, lists, sizeof lists);
    at += sizeof lists;
    out[at++] = (uint8_t)(length >> 8);
    out[at++] = (uint8_t)length;
    memcpy(out + at, extensions, length);
    return at + length;
}

static void the_server_name_is_found(void **state)
{
    (void)state;
    struct bytes client = from_hex(TLS12_CLIENT);
    struct client_hello hello;
    assert_int_equal(client_hello_parse(client.bytes + RECORD_AND_MESSAGE, HELLO, &hello), 0);
    assert_int_equal(hello.server_name.length, strlen("www.example.com"));
    assert_memory_equal(hello.server_name.bytes, "www.example.com", hello.server_name.length);
    free(client.bytes);
}

static void a_hello_cut_short_is_none(void **state)
{
    (void)state;
    struct bytes client = from_hex(TLS12_CLIENT);
    const uint8_t *body = client.bytes + RECORD_AND_MESSAGE;
    size_t session = body[34], ciphers = body[35 + session + 1], methods = 1;
    size_t may_end = 34 + 1 + session + 2 + ciphers + 1 + methods; /* before TLS 1.2 it did */
    for (size_t length = 0; length < HELLO; length++) {
        uint8_t *cut = malloc(length + 1);
        memcpy(cut, body, length);
        struct client_hello hello;
        assert_int_equal(client_hello_parse(cut, length, &hello),
                         length == may_end ? 0 : ERR_MALFORMED);
        free(cut);
    }
    free(client.bytes);
}

static void extensions_may_be_odd(void **state)
{
    (void)state;
    static const struct {
        const char *extensions;
        int error;
        const char *name;
    } cases[] = {
        {"", 0, ""},
        {"0000 0006 0004 00 0001 61", 0, "a"},
        {"0000 000a 0008 05 0001 62 00 0001 61", 0, "a"}, /* another kind first */
        {"0000 0000", 0, ""},                             /* as a server answers */
        {"0000 0005 0003 00 0000", 0, ""},                /* an empty name */
        {"0000 0006 0004 00 0002 61", 0, ""},             /* a name longer than its list */
        {"0000 0006 0005 00 0001 61", 0, ""},             /* a list longer than its extension */
        {"0000 0006 0004 00 0001 61 0010 00ff 00", ERR_MALFORMED, "a"},
        {"ff01 0001 00 0000 0006 0004 00 0001 61", 0, "a"},
        {"00", ERR_MALFORMED, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t body[256];
        struct bytes extensions = from_hex(cases[i].extensions);
        size_t length = hello_with(body, extensions.bytes, extensions.length);
        struct client_hello hello;
        assert_int_equal(client_hello_parse(body, length, &hello), cases[i].error);
        assert_int_equal(hello.server_name.length, strlen(cases[i].name));
        if (hello.server_name.length)
            assert_memory_equal(hello.server_name.bytes, cases[i].name, hello.server_name.length);
        free(extensions.bytes);
    }
}

static void server_hellos_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *stream;
        size_t length;
        bool last;
    } cases[] = {{TLS12_SERVER, 65, false}, {TLS13_SERVER, 122, true}, {RETRY_SERVER, 88, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes server = from_hex(cases[i].stream);
        const uint8_t *body = server.bytes + RECORD_AND_MESSAGE;
        assert_int_equal(tls_server_hello_last(body, cases[i].length - 4), cases[i].last);
        for (size_t length = 0; length < 34; length++)
            assert_false(tls_server_hello_last(body, length));
        free(server.bytes);
    }
}

static void a_draft_of_tls_1_3_is_one(void **state)
{
    (void)state;
    uint8_t body[40] = {0x7f, 0x12, 1};
    assert_true(tls_server_hello_last(body, sizeof body));
    body[0] = 3;
    assert_false(tls_server_hello_last(body, sizeof body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_name_is_found),  cmocka_unit_test(a_hello_cut_short_is_none),
        cmocka_unit_test(extensions_may_be_odd),     cmocka_unit_test(server_hellos_are_told_apart),
        cmocka_unit_test(a_draft_of_tls_1_3_is_one),
    };
    return cmocka_run_group_tests_name("client_hello", tests, NULL, NULL);
}
