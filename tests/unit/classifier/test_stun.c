/* STUN messages, and the JSON in their attributes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "common/base/error.h"
#include "stages/classifier/stun.h"
#include "stages/classifier/stun_texts.h"
#include "tests/unit/classifier/payloads.h"

static void types(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        bool message;
    } each[] = {{0, false},    {1, true},      {0x101, true},
                {0x111, true}, {0x112, false}, {0x4001, false}};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        struct payload_bytes p = {0};
        payload_stun(&p, 0x8022, "agent", 5);
        p.bytes[0] = (uint8_t)(each[i].type >> 8);
        p.bytes[1] = (uint8_t)each[i].type;
        assert_int_equal(stun_recognise(p.bytes, p.length, 0), each[i].message);
    }
}

static void lengths(void **state)
{
    (void)state;
    struct payload_bytes p = {0};
    payload_stun(&p, 0x8022, "agent", 5);
    payload_stun(&p, 0x0006, "", 0);
    assert_true(stun_recognise(p.bytes, p.length, 0));
    for (size_t length = 0; length < p.length; length++) {
        assert_false(stun_recognise(p.bytes, length, 0));
        assert_int_equal(stun_recognise(p.bytes, length, p.length - length), length >= 20);
    }
    p.bytes[3] -= 4;
    assert_false(stun_recognise(p.bytes, p.length, 0));
    p.bytes[3] += 4;
    p.bytes[23] = 9; /* the attribute now covers the next one's header */
    assert_true(stun_recognise(p.bytes, p.length, 0));
    p.bytes[23] = 13;
    assert_false(stun_recognise(p.bytes, p.length, 0));
}

static void attributes(void **state)
{
    (void)state;
    struct payload_bytes p = {0};
    struct slice value;
    payload_stun(&p, 0xe002, "one", 3);
    payload_stun(&p, 0x8022, "agent", 5);
    payload_stun(&p, 0xe002, "three", 5);
    struct cursor c = stun_attributes(p.bytes, p.length);
    assert_true(stun_next(&c, 0xe002, &value));
    assert_int_equal(value.length, 3);
    assert_memory_equal(value.bytes, "one", 3);
    assert_true(stun_next(&c, 0xe002, &value));
    assert_memory_equal(value.bytes, "three", 5);
    assert_false(stun_next(&c, 0xe002, &value));
    /* The last one cut off by the snap length. */
    c = stun_attributes(p.bytes, p.length - 4);
    assert_true(stun_next(&c, 0xe002, &value));
    assert_false(stun_next(&c, 0xe002, &value));
}

static int object(const char *text, struct buffer *to, uint64_t digest[2])
{
    uint32_t pairs;
    struct slice slice = {(const uint8_t *)text, strlen(text)};
    return stun_object(slice, "data_ip", to, &pairs, digest);
}

static void objects(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        " {\"a\":1}\n",
        "{\"a\":18446744073709551614,\"b\":-9223372036854775807}",
        "{\"a\":[1,-2,null,true,\"\\u00e9\\n\\\"\"],\"deep\":{\"x\":{}}}",
        "{\"a\":1.5e3}",
        "{\"a\":\"it's NaN\"}",
    };
    static const char *const bad[] = {
        "",
        "null",
        "[1]",
        "\"text\"",
        "17",
        "{broken",
        "{\"a\":1",
        "{\"a\":1}}",
        "{'a':1}",
        "{\"a\":NaN}",
        "{\"a\":1.}",
        "{\"a\":1e999}",
        "{\"a\":18446744073709551616}",
        "{\"a\":\"\n\"}",
        "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
    };
    struct buffer to = {0};
    uint64_t digest[2];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(object(good[i], &to, digest), 0);
    size_t before = to.length;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(object(bad[i], &to, digest), ERR_MALFORMED);
    assert_int_equal(to.length, before);
    buffer_free(&to);
}

static void digests(void **state)
{
    (void)state;
    static const char *const same[] = {"{\"a\":{\"x\":1,\"y\":2},\"b\":3}",
                                       "{ \"b\": 3, \"a\": {\"y\":2, \"x\":1} }"};
    static const char *const others[] = {"{\"a\":{\"x\":1,\"y\":2},\"b\":4}",
                                         "{\"a\":{\"x\":1,\"y\":2},\"b\":\"3\"}", "{}"};
    struct buffer to = {0};
    uint64_t first[2], digest[2];
    assert_int_equal(object(same[0], &to, first), 0);
    assert_int_equal(object(same[1], &to, digest), 0);
    assert_memory_equal(first, digest, sizeof first);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(object(others[i], &to, digest), 0);
        assert_memory_not_equal(first, digest, sizeof first);
    }
    buffer_free(&to);
}

/* The text of that number: an object whose length grows with it, or none. */
static struct slice numbered(char *to, size_t size, unsigned number)
{
    int length = number % 3 == 2
                     ? snprintf(to, size, "{%u", number)
                     : snprintf(to, size, "{\"n\":%u,\"data_ip\":\"gone\",\"x\":\"%*s\"}", number,
                                (int)number, "");
    return (struct slice){(const uint8_t *)to, (size_t)length};
}

/* More texts than are kept, and longer ones, each twice in a row: all say what they say by
 * themselves, and those that are kept are given where they were. */
static void texts_are_read_once(void **state)
{
    (void)state;
    struct stun_texts *texts = stun_texts_new();
    for (unsigned i = 0; i < 4 * STUN_TEXTS; i++) {
        char bytes[8 * STUN_TEXTS];
        struct slice text = numbered(bytes, sizeof bytes, i);
        struct buffer pairs = {0};
        uint32_t count = 0;
        uint64_t digest[2];
        bool is_object = stun_object(text, "data_ip", &pairs, &count, digest) == 0;
        const struct stun_text *first = NULL;
        for (int again = 0; again < 2; again++) {
            const struct stun_text *said = stun_texts_read(texts, text);
            assert_int_equal(said->object, is_object);
            assert_true(!first || said == first);
            first = said;
            if (!is_object)
                continue;
            assert_int_equal(said->count, count);
            assert_int_equal(said->pairs.length, pairs.length);
            assert_memory_equal(said->pairs.bytes, pairs.bytes, pairs.length);
            assert_memory_equal(said->digest, digest, sizeof digest);
        }
        buffer_free(&pairs);
    }
    assert_false(stun_texts_read(texts, (struct slice){0})->object);
    stun_texts_free(&texts);
    assert_null(texts);
    stun_texts_free(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),   cmocka_unit_test(lengths), cmocka_unit_test(attributes),
        cmocka_unit_test(objects), cmocka_unit_test(digests), cmocka_unit_test(texts_are_read_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
