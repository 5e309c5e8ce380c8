/* What is read out of certificates, and what counts as a domain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "stages/extractor/certificate.h"
#include "tests/unit/extractor/certificates.h"
#include "tests/unit/extractor/feed.h"

static int join(void *context, const uint8_t *name, size_t length)
{
    char *all = context;
    sprintf(all + strlen(all), "%.*s ", (int)length, (const char *)name);
    return 0;
}

static int stop_at_first(void *context, const uint8_t *name, size_t length)
{
    join(context, name, length);
    return ERR_STOPPED;
}

static void domains_come_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *domains;
    } cases[] = {
        {CERTIFICATE_MANY, "*.example.com example.com last.example "},
        {CERTIFICATE_CN, "cn.example "}, /* the most specific */
        {CERTIFICATE_WORD, ""},
        {CERTIFICATE_ADDRESS, ""}, /* it has a SAN, so its CN says nothing */
        {CERTIFICATE_CLIENT, "client.example "},
        {CERTIFICATE_NUL, "good.example "},
        {CERTIFICATE_BROKEN, ""},
        {CERTIFICATE_ROOT, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes der = from_hex(cases[i].hex);
        char all[1000] = "";
        assert_int_equal(certificate_domains(der.bytes, der.length, join, all), 0);
        assert_string_equal(all, cases[i].domains);
        free(der.bytes);
    }
}

static void the_walk_ends_when_told(void **state)
{
    (void)state;
    struct bytes der = from_hex(CERTIFICATE_MANY);
    char all[1000] = "";
    assert_int_equal(certificate_domains(der.bytes, der.length, stop_at_first, all), ERR_STOPPED);
    assert_string_equal(all, "*.example.com ");
    free(der.bytes);
}

static void what_is_no_certificate_is_told(void **state)
{
    (void)state;
    struct bytes der = from_hex(CERTIFICATE_MANY);
    char all[1000] = "";
    for (size_t length = 0; length < der.length; length++)
        assert_int_equal(certificate_domains(der.bytes, length, join, all), ERR_MALFORMED);
    static const uint8_t lengths[] = {0x80, 0x81, 0x85, 0xff}; /* none, short, and too long ones */
    for (size_t i = 0; i < sizeof lengths; i++) {
        der.bytes[1] = lengths[i];
        assert_int_equal(certificate_domains(der.bytes, der.length, join, all), ERR_MALFORMED);
    }
    assert_string_equal(all, "");
    free(der.bytes);
}

static void fingerprints_are_upper_case(void **state)
{
    (void)state;
    char out[FINGERPRINT_TEXT];
    struct bytes der = from_hex(CERTIFICATE_MANY);
    assert_int_equal(certificate_fingerprint(der.bytes, der.length, out), 0);
    assert_string_equal(out, FINGERPRINT_MANY);
    assert_int_equal(certificate_fingerprint((const uint8_t *)"", 0, out), 0);
    assert_string_equal(out, "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855");
    free(der.bytes);
}

static void domains_are_valid_or_not(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "example.com",       "*.example.com",     "localhost",         "a.b.c.",
        "_dmarc.example",    "r3---sn-x.example", "xn--mnchen-3ya.de", "3com.com",
        "1.2.3.in-addr.arpa"};
    static const char *const invalid[] = {"",
                                          ".",
                                          "*",
                                          "*.",
                                          "a..b",
                                          ".a",
                                          "with space.example",
                                          "-a.example",
                                          "a-.example",
                                          "f*.example.com",
                                          "a.*.example",
                                          "*.*.example",
                                          "192.0.2.1",
                                          "m\xc3\xbcn.de",
                                          "a.b..",
                                          "a@b.example",
                                          "https://a.example",
                                          "10"};
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        assert_true(certificate_domain_valid((const uint8_t *)valid[i], strlen(valid[i])));
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        assert_false(certificate_domain_valid((const uint8_t *)invalid[i], strlen(invalid[i])));
    assert_false(certificate_domain_valid((const uint8_t *)"a\0b.example", 11));
}

static void lengths_are_bounded(void **state)
{
    (void)state;
    uint8_t name[255];
    memset(name, 'a', sizeof name);
    assert_true(certificate_domain_valid(name, 63));
    assert_false(certificate_domain_valid(name, 64));
    for (size_t dot = 63; dot < sizeof name; dot += 64)
        name[dot] = '.';
    assert_true(certificate_domain_valid(name, 253));
    assert_false(certificate_domain_valid(name, 254));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_come_in_order),
        cmocka_unit_test(the_walk_ends_when_told),
        cmocka_unit_test(what_is_no_certificate_is_told),
        cmocka_unit_test(fingerprints_are_upper_case),
        cmocka_unit_test(domains_are_valid_or_not),
        cmocka_unit_test(lengths_are_bounded),
    };
    return cmocka_run_group_tests_name("certificate", tests, NULL, NULL);
}
