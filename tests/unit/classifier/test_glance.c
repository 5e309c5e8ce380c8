/* A glance never rules out what a signature would match; and the search that a rare byte leads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <string.h>

#include "common/wire/event.h"
#include "stages/classifier/profile.h"
#include "stages/classifier/stun.h"
#include "tests/unit/classifier/payloads.h"

#define ONE(name, transport, match)                                                                \
    "{\"name\":\"" name "\",\"transport\":\"" transport "\",\"label\":\"l\",\"match\":[" match "]}"

static const char DOCUMENT[] =
    "{\"signatures\":["
    ONE("at", "udp", "{\"where\":[{\"at\":3,\"text\":\"a.\"}]}") ","
    ONE("from", "udp", "{\"where\":[{\"from\":4,\"text\":\"a.b\"}]},"
                       "{\"where\":[{\"from\":2,\"text\":\"a.b\"}],\"longer_than\":9}") ","
    ONE("within", "udp", "{\"where\":[{\"from\":1,\"within\":2,\"text\":\"..\"}]}") ","
    ONE("both", "udp", "{\"where\":[{\"from\":0,\"text\":\"b\"},{\"at\":2,\"text\":\".\"}]}") ","
    ONE("class", "udp", "{\"where\":[{\"at\":1,\"class\":\"alpha\",\"length\":3}]}") ","
    ONE("long", "udp", "{\"where\":[{\"at\":0,\"hex\":\"00\"},"
                       "{\"at\":5,\"class\":\"digit\",\"length\":2}],\"longer_than\":6}") ","
    ONE("tcp", "tcp", "{\"where\":[{\"at\":1,\"text\":\"b.\"},"
                      "{\"at\":4,\"class\":\"alpha\",\"length\":2}],\"longer_than\":6}") ","
    ONE("tcp-within", "tcp", "{\"where\":[{\"from\":1,\"within\":3,\"text\":\"a.\"}]}")
    "]}";

static struct profile *profile(const char *document)
{
    char fault[PROFILE_FAULT];
    struct profile *p = profile_parse(document, strlen(document), fault);
    if (!p)
        fail_msg("%s", fault);
    return p;
}

/* Payloads of few letters, so that much nearly matches: the same ones in every run. */
static void whatever_matches_passes(void **state)
{
    (void)state;
    static const uint8_t letters[] = {'a', 'b', '.', '.', '7', 0};
    struct profile *p = profile(DOCUMENT);
    uint32_t random = 1, passed = 0, ruled_out = 0;
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[12];
        for (size_t i = 0; i < sizeof bytes; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = letters[(random >> 16) % sizeof letters];
        }
        size_t length = (random >> 8) % sizeof bytes;
        for (size_t i = 0; i < profile_count(p); i++) {
            const struct signature *s = profile_signature(p, i);
            bool tcp = s->transport == TRANSPORT_TCP, more = tcp && random & 1;
            struct payload payload = {bytes, length, tcp ? 0 : random >> 30, more};
            struct match m;
            uint64_t bit = UINT64_C(1) << i;
            bool may = profile_glance(p, tcp, bit, &payload) == bit;
            assert_true(may || signature_match(s, &payload, &m) == VERDICT_NO);
            passed += may;
            ruled_out += !may;
        }
    }
    assert_true(passed > 100000 && ruled_out > passed);
    profile_free(&p);
}

/* As long as there are fewer bytes than a signature says that it needs it stays undecided. */
static void undecided_until_it_has_what_it_needs(void **state)
{
    (void)state;
    static const uint8_t letters[] = {'a', 'b', '.', '.', '7', 0};
    struct profile *p = profile(DOCUMENT);
    uint32_t random = 1, skipped = 0, decided = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[12];
        for (size_t i = 0; i < sizeof bytes; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = letters[(random >> 16) % sizeof letters];
        }
        for (size_t i = 0; i < profile_count(p); i++) {
            size_t needs = 0;
            for (size_t length = 0; length <= sizeof bytes; length++) {
                struct payload payload = {bytes, length, 0, true};
                struct match m;
                enum verdict verdict = signature_match(profile_signature(p, i), &payload, &m);
                assert_true(verdict == VERDICT_MORE || length >= needs);
                skipped += length < needs;
                decided += verdict != VERDICT_MORE && length == needs;
                needs = verdict == VERDICT_MORE ? m.needs : 0;
                assert_true(verdict != VERDICT_MORE || needs > length);
            }
        }
    }
    assert_true(skipped > 100000 && decided > 100000);
    profile_free(&p);
}

/* Only what is asked for is told, each by its transport. */
static void only_those(void **state)
{
    (void)state;
    struct profile *p = profile(DOCUMENT);
    struct payload payload = {(const uint8_t *)"abc", 3, 0, true};
    assert_int_equal(profile_glance(p, true, 0, &payload), 0);
    assert_int_equal(profile_glance(p, false, 0, &payload), 0);
    uint64_t all = UINT64_MAX, tcp = profile_glance(p, true, all, &payload);
    assert_int_equal(tcp & profile_glance(p, false, all, &payload), 0);
    profile_free(&p);
}

/* However often the rare byte stands where nothing is to be found. */
static void many_false_starts(void **state)
{
    (void)state;
    static const char document[] =
        "{\"signatures\":[" ONE("m", "udp", "{\"where\":[{\"from\":0,\"text\":\"a.b\"}]}") "]}";
    struct profile *p = profile(document);
    for (size_t dots = 0; dots < 64; dots++) {
        uint8_t bytes[80];
        struct match m;
        memset(bytes, '.', sizeof bytes);
        memcpy(bytes + dots, "a.b", 3);
        struct payload whole = {bytes, dots + 3, 0, false}, cut = {bytes, dots + 2, 0, false};
        assert_int_equal(signature_match(profile_signature(p, 0), &whole, &m), VERDICT_YES);
        assert_int_equal(signature_match(profile_signature(p, 0), &cut, &m), VERDICT_NO);
    }
    profile_free(&p);
}

/* A message, however much of it the snap length cut off, and what differs from one in a byte. */
static void messages_of_stun_pass(void **state)
{
    (void)state;
    static const char document[] =
        "{\"signatures\":[{\"name\":\"s\",\"transport\":\"udp\",\"label\":\"s\","
        "\"stun_attribute\":\"e002\"}]}";
    struct profile *p = profile(document);
    struct payload_bytes message = {0};
    uint32_t messages = 0, others = 0;
    payload_stun(&message, 0xe002, "{}", 2);
    for (size_t length = 0; length <= message.length; length++)
        for (uint32_t first = 0; first <= UINT8_MAX; first++) {
            message.bytes[0] = (uint8_t)first;
            struct payload payload = {message.bytes, length, message.length - length, false};
            bool may = profile_glance(p, false, 1, &payload) == 1;
            bool is = stun_recognise(message.bytes, length, message.length - length);
            assert_true(may || !is);
            messages += is;
            others += !may;
        }
    assert_true(messages > 0 && others > 200 * messages);
    profile_free(&p);
}

/* As the C locale has them. */
static void classes(void **state)
{
    (void)state;
    for (int byte = 0; byte <= UINT8_MAX; byte++) {
        bool ascii = byte < 0x80;
        uint8_t b = (uint8_t)byte;
        assert_int_equal(signature_in_class(CLASS_ALNUM, b), ascii && isalnum(byte) != 0);
        assert_int_equal(signature_in_class(CLASS_ALPHA, b), ascii && isalpha(byte) != 0);
        assert_int_equal(signature_in_class(CLASS_DIGIT, b), ascii && isdigit(byte) != 0);
        assert_int_equal(signature_in_class(CLASS_HEX, b), ascii && isxdigit(byte) != 0);
        assert_int_equal(signature_in_class(CLASS_PRINT, b), ascii && isprint(byte) != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_matches_passes),
        cmocka_unit_test(undecided_until_it_has_what_it_needs),
        cmocka_unit_test(only_those),
        cmocka_unit_test(many_false_starts),
        cmocka_unit_test(messages_of_stun_pass),
        cmocka_unit_test(classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
