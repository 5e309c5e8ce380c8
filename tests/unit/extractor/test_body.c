/* What is kept of message bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "stages/extractor/body.h"

enum { LONG = 20000, ROOM = 40000 };

static uint8_t plain[LONG], coded[ROOM];

/* zlib's windowBits for gzip, zlib and bare deflate. */
enum { GZIP = 31, ZLIB = 15, RAW = -15 };

static size_t deflated(int window, size_t length)
{
    for (size_t i = 0; i < LONG; i++)
        plain[i] = (uint8_t)(i * i / 7 + i);
    z_stream z = {.next_in = plain, .avail_in = (uInt)length, .next_out = coded, .avail_out = ROOM};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t made = z.total_out;
    deflateEnd(&z);
    return made;
}

static void add_in_pieces(struct body *body, const uint8_t *bytes, size_t length, size_t piece)
{
    for (size_t at = 0; at < length; at += piece) {
        size_t part = length - at < piece ? length - at : piece;
        uint8_t *copy = malloc(part);
        memcpy(copy, bytes + at, part);
        assert_int_equal(body_add(body, copy, part), 0);
        free(copy);
    }
}

static void expect_kept(const struct body *body, size_t length)
{
    assert_int_equal(body->kept.length, length);
    if (length)
        assert_memory_equal(body->kept.bytes, plain, length);
}

static void plain_bytes(void **state)
{
    (void)state;
    deflated(RAW, 0);
    struct body body = {0};
    add_in_pieces(&body, plain, BODY_KEPT - 1, 7);
    assert_false(body_sated(&body));
    add_in_pieces(&body, plain + BODY_KEPT - 1, 2, 2);
    assert_true(body_sated(&body));
    assert_int_equal(body.came, BODY_KEPT + 1);
    expect_kept(&body, BODY_KEPT);
    body_free(&body);
}

static void coded_bytes(void **state)
{
    (void)state;
    static const struct {
        int window;
        enum body_coding coding;
    } ways[] = {{GZIP, BODY_GZIP}, {ZLIB, BODY_DEFLATE}, {RAW, BODY_DEFLATE}};
    static const size_t lengths[] = {1, 100, BODY_KEPT - 1, BODY_KEPT, BODY_KEPT + 1, LONG};
    for (size_t w = 0; w < 3; w++)
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++)
            for (size_t piece = 1; piece < ROOM; piece = piece * 3 + 1) {
                struct body body = {.coding = {ways[w].coding}, .codings = 1};
                size_t length = deflated(ways[w].window, lengths[l]);
                add_in_pieces(&body, coded, length, piece);
                expect_kept(&body, lengths[l] < BODY_KEPT ? lengths[l] : BODY_KEPT);
                assert_int_equal(body.came, length);
                body_free(&body);
            }
}

static void members(void **state)
{
    (void)state;
    struct body body = {.coding = {BODY_GZIP}, .codings = 1};
    size_t length = deflated(GZIP, 10);
    for (int i = 0; i < 2; i++)
        add_in_pieces(&body, coded, length, 5);
    assert_int_equal(body.kept.length, 20);
    assert_memory_equal(body.kept.bytes + 10, plain, 10);
    body_free(&body);
}

static void broken(void **state)
{
    (void)state;
    struct body body = {.coding = {BODY_GZIP}, .codings = 1};
    size_t length = deflated(GZIP, 4000);
    memset(coded + length / 2, 0xff, length / 4);
    add_in_pieces(&body, coded, length, 100);
    assert_true(body.kept.length > 500 && body.kept.length < 4000);
    assert_true(body.settled);
    assert_int_equal(body.came, length);
    body_free(&body);
    body_note_codings(&body, (const uint8_t *)"gzip", 4);
    add_in_pieces(&body, (const uint8_t *)"no gzip", 7, 7);
    expect_kept(&body, 0);
    body_free(&body);
}

static void bomb(void **state)
{
    (void)state;
    memset(plain, 0, LONG);
    struct body body = {.coding = {BODY_GZIP}, .codings = 1};
    z_stream z = {.next_in = plain, .avail_in = LONG, .next_out = coded, .avail_out = ROOM};
    deflateInit2(&z, 9, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    add_in_pieces(&body, coded, z.total_out, ROOM);
    deflateEnd(&z);
    assert_int_equal(body.kept.length, BODY_KEPT);
    assert_null(body.inflate[0]);
    assert_false(body_sated(&body)); /* a hole would still be one within the first 5,120 bytes */
    body_free(&body);
}

static void holes(void **state)
{
    (void)state;
    deflated(RAW, 0);
    struct body body = {0};
    add_in_pieces(&body, plain, 10, 10);
    assert_false(body_torn(&body));
    body_hole(&body);
    add_in_pieces(&body, plain, 10, 10);
    expect_kept(&body, 10);
    assert_int_equal(body.came, 10);
    assert_true(body_torn(&body));
    assert_true(body_sated(&body));
    body_free(&body);
    add_in_pieces(&body, plain, BODY_KEPT, 100);
    body_hole(&body);
    assert_false(body_torn(&body));
    body_free(&body);
}

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        unsigned codings;
        enum body_coding coding[BODY_CODINGS];
    } known[] = {
        {"gzip", 1, {BODY_GZIP}},
        {"X-GZip", 1, {BODY_GZIP}},
        {"DEFLATE", 1, {BODY_DEFLATE}},
        {"identity", 0, {0}},
        {"", 0, {0}},
        {" ,, chunked,", 0, {0}},
        {"br", 0, {0}},
        {"gzip, br", 0, {0}},
        {"br ,\tgzip", 1, {BODY_GZIP}},
        {"deflate,gzip , chunked", 2, {BODY_DEFLATE, BODY_GZIP}},
        {"gzip,deflate,gzip,gzip,deflate", 4, {BODY_DEFLATE, BODY_GZIP, BODY_GZIP, BODY_DEFLATE}},
        {"gzi", 0, {0}},
        {"gzip gzip", 0, {0}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct body body = {0};
        body_note_codings(&body, (const uint8_t *)known[i].value, strlen(known[i].value));
        assert_int_equal(body.codings, known[i].codings);
        for (unsigned c = 0; c < body.codings; c++)
            assert_int_equal(body.coding[c], known[i].coding[c]);
    }
}

/* One coding around another: of `length` bytes at `inner`. */
static size_t coded_again(const uint8_t *inner, size_t length, uint8_t *out, size_t room)
{
    z_stream z = {.next_in = (uint8_t *)(uintptr_t)inner,
                  .avail_in = (uInt)length,
                  .next_out = out,
                  .avail_out = (uInt)room};
    deflateInit2(&z, 9, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t made = z.total_out;
    deflateEnd(&z);
    return made;
}

static void layers(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 100, BODY_KEPT - 1, BODY_KEPT, LONG};
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++)
        for (size_t piece = 1; piece < ROOM; piece = piece * 5 + 1) {
            static uint8_t twice[ROOM];
            struct body body = {.coding = {BODY_DEFLATE, BODY_GZIP}, .codings = 2};
            size_t length = deflated(ZLIB, lengths[l]);
            length = coded_again(coded, length, twice, sizeof twice);
            add_in_pieces(&body, twice, length, piece);
            expect_kept(&body, lengths[l] < BODY_KEPT ? lengths[l] : BODY_KEPT);
            body_free(&body);
        }
}

/* A megabyte of members that hold nothing, in a kilobyte: no more than a part of it is read. */
static void bomb_of_nothing(void **state)
{
    (void)state;
    enum { MEGABYTE = 1 << 20 };
    static uint8_t members[MEGABYTE];
    size_t one = deflated(GZIP, 0), length = 0;
    for (; length + one <= sizeof members; length += one)
        memcpy(members + length, coded, one);
    struct body body = {.coding = {BODY_GZIP, BODY_GZIP}, .codings = 2};
    length = coded_again(members, length, coded, sizeof coded);
    add_in_pieces(&body, coded, length, 100);
    assert_true(body.settled);
    assert_true(body.between < MEGABYTE / 8);
    body_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_bytes),
        cmocka_unit_test(coded_bytes),
        cmocka_unit_test(members),
        cmocka_unit_test(broken),
        cmocka_unit_test(bomb),
        cmocka_unit_test(holes),
        cmocka_unit_test(names),
        cmocka_unit_test(layers),
        cmocka_unit_test(bomb_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
