/* Header fields, put together from pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <time.h>

#include "stages/extractor/http_fields.h"
#include "tests/unit/extractor/rig.h"

static struct spares spares;

static int free_spares(void **state)
{
    (void)state;
    spares_free(&spares);
    return 0;
}

static void add(struct http_fields *f, const char *name, const char *value)
{
    for (; *name; name++)
        http_fields_name(f, name, 1);
    for (; *value; value++)
        http_fields_value(f, value, 1);
    assert_int_equal(http_fields_end(f), 0);
}

static void expect(struct http_fields *f, const char *text)
{
    struct buffer packed = {0};
    char shown[1024];
    http_fields_pack(f, &packed);
    assert_false(packed.failed);
    struct unpack u = unpack_over(packed.bytes, packed.length);
    rig_show(&u, shown);
    assert_int_equal(u.error, 0);
    assert_string_equal(shown, text);
    buffer_free(&packed);
}

static void repeated_names(void **state)
{
    (void)state;
    struct http_fields *f = http_fields_new(&spares, 1000);
    expect(f, "[]");
    add(f, "Set-Cookie", "a");
    add(f, "X", "1");
    add(f, "SET-COOKIE", "b");
    add(f, "Empty", "");
    add(f, "x", "2");
    add(f, "set-cookie", "c");
    expect(f, "[[set-cookie,[a,b,c]],[x,[1,2]],[empty,]]");
    struct slice found = http_fields_find(f, "x");
    assert_int_equal(found.length, 1);
    assert_memory_equal(found.bytes, "1", 1);
    assert_null(http_fields_find(f, "y").bytes);
    assert_non_null(http_fields_find(f, "empty").bytes);
    http_fields_free(&f);
    assert_null(f);
    f = http_fields_new(&spares, 1000); /* the same one again */
    expect(f, "[]");
    http_fields_free(&f);
}

static void blanks(void **state)
{
    (void)state;
    struct http_fields *f = http_fields_new(&spares, 1000);
    add(f, "Name \t", "value with \t");
    add(f, "Next", " \t ");
    add(f, "", "no name");
    expect(f, "[[name,value with],[next,],[,no name]]");
    http_fields_free(&f);
}

static void the_bound(void **state)
{
    (void)state;
    struct http_fields *f = http_fields_new(&spares, 20);
    add(f, "a", "12345");
    add(f, "b", "12345");
    add(f, "c", "1");
    add(f, "d", "");
    assert_int_equal(http_fields_dropped(f), 2);
    expect(f, "[[a,12345],[b,12345]]");
    http_fields_free(&f);
    f = http_fields_new(&spares, 20);
    assert_int_equal(http_fields_dropped(f), 0);
    add(f, "e", "1");
    http_fields_name(f, "unfinished", 10);
    expect(f, "[[e,1]]");
    http_fields_free(&f);
}

/* As many names as fit, all of them different, or all the same. */
static void hostile_names(void **state)
{
    (void)state;
    for (int same = 0; same < 2; same++) {
        struct http_fields *f = http_fields_new(&spares, 1 << 20);
        for (int i = 0; i < 100000; i++) {
            char name[16];
            snprintf(name, sizeof name, "%d", same ? 7 : i);
            add(f, name, "");
        }
        struct buffer packed = {0};
        clock_t before = clock();
        http_fields_pack(f, &packed);
        assert_true(clock() - before < CLOCKS_PER_SEC);
        assert_false(packed.failed);
        buffer_free(&packed);
        http_fields_free(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeated_names),
        cmocka_unit_test(blanks),
        cmocka_unit_test(the_bound),
        cmocka_unit_test(hostile_names),
    };
    return cmocka_run_group_tests(tests, NULL, free_spares);
}
