/* What is known of certificates from before is what they say themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "stages/extractor/certificate_cache.h"
#include "tests/unit/extractor/certificates.h"
#include "tests/unit/extractor/feed.h"

static struct certificate_cache *cache;

static int make(void **state)
{
    (void)state;
    cache = certificate_cache_new();
    return cache ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    certificate_cache_free(&cache);
    assert_null(cache);
    return 0;
}

static void read_and_compare(struct slice der, const char *const names[], uint32_t count)
{
    struct certificate_words words;
    char fingerprint[FINGERPRINT_TEXT];
    assert_int_equal(certificate_fingerprint(der.bytes, der.length, fingerprint), 0);
    assert_int_equal(certificate_cache_read(cache, der, &words), 0);
    assert_string_equal(words.fingerprint, fingerprint);
    struct unpack list = unpack_over(words.domains.bytes, words.domains.length);
    assert_int_equal(unpack_array(&list), count);
    for (uint32_t i = 0; i < count; i++) {
        struct slice name = unpack_str(&list);
        assert_int_equal(name.length, strlen(names[i]));
        assert_memory_equal(name.bytes, names[i], name.length);
    }
}

static void unreadable_certificates_have_no_domains(void **state)
{
    (void)state;
    struct slice der = {(const uint8_t *)"none", 4};
    read_and_compare(der, NULL, 0);
    read_and_compare(der, NULL, 0);
}

/* More certificates than there are places: each read gives its own, whoever had the place. */
static void places_are_shared(void **state)
{
    (void)state;
    static const char *const names[] = {"*.example.com", "example.com", "last.example"};
    struct bytes der = from_hex(CERTIFICATE_MANY);
    for (int i = 0; i < 3000; i++) {
        read_and_compare((struct slice){der.bytes, der.length}, names, 3);
        read_and_compare((struct slice){(const uint8_t *)&i, sizeof i}, NULL, 0);
    }
    free(der.bytes);
}

/* One of a length that is not kept is read each time. */
static void long_certificates_are_read_each_time(void **state)
{
    (void)state;
    enum { LENGTH = 20000 };
    uint8_t *der = calloc(1, LENGTH);
    for (uint8_t i = 0; i < 4; i++) {
        der[LENGTH - 1] = i / 2;
        read_and_compare((struct slice){der, LENGTH}, NULL, 0);
    }
    free(der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unreadable_certificates_have_no_domains, make, drop),
        cmocka_unit_test_setup_teardown(places_are_shared, make, drop),
        cmocka_unit_test_setup_teardown(long_certificates_are_read_each_time, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
