/* Option tables: what is taken, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/base/opts.h"

struct settings {
    bool quiet;
    const char *name;
    uint64_t count;
    uint64_t size;
    int64_t idle;
};

static const struct opt OPTS[] = {
    {"quiet", OPT_FLAG, offsetof(struct settings, quiet), NULL, "", 0, 0},
    {"name", OPT_TEXT, offsetof(struct settings, name), "TEXT", "", 0, 0},
    {"count", OPT_COUNT, offsetof(struct settings, count), "N", "", 1, 10},
    {"size", OPT_SIZE, offsetof(struct settings, size), "BYTES", "", 0, 0},
    {"idle", OPT_DURATION, offsetof(struct settings, idle), "SECONDS", "", 0, 0},
};

static enum opt_outcome parse(struct settings *into, int *first, char **argv)
{
    static const struct opt_usage usage = {"test", "test"};
    const struct opt_set sets[] = {{OPTS, sizeof OPTS / sizeof OPTS[0], into}};
    int argc = 0;
    while (argv[argc])
        argc++;
    return opts_parse(&usage, sets, 1, argc, argv, first);
}

#define ARGV(...) ((char *[]){(char[]){"test"}, __VA_ARGS__, NULL})

static void fills_every_type(void **state)
{
    (void)state;
    struct settings s = {0};
    int first;
    assert_int_equal(parse(&s, &first,
                           ARGV((char[]){"--quiet"}, (char[]){"--name"}, (char[]){"x"},
                                (char[]){"--count=10"}, (char[]){"--size"}, (char[]){"4k"},
                                (char[]){"--idle=1.5min"}, (char[]){"--"}, (char[]){"--file"})),
                     OPT_GO);
    assert_true(s.quiet);
    assert_string_equal(s.name, "x");
    assert_int_equal(s.count, 10);
    assert_int_equal(s.size, 4096);
    assert_int_equal(s.idle, INT64_C(90000000000));
    assert_int_equal(first, 9);
}

static void refuses_what_it_does_not_take(void **state)
{
    (void)state;
    struct settings s = {0};
    int first;
    assert_int_equal(parse(&s, &first, ARGV((char[]){"--what"})), OPT_WRONG);
    assert_int_equal(parse(&s, &first, ARGV((char[]){"--count=11"})), OPT_WRONG);
    assert_int_equal(parse(&s, &first, ARGV((char[]){"--count=0"})), OPT_WRONG);
    assert_int_equal(parse(&s, &first, ARGV((char[]){"--count=2.5"})), OPT_WRONG);
    assert_int_equal(parse(&s, &first, ARGV((char[]){"--count"})), OPT_WRONG);
    assert_int_equal(parse(&s, &first, ARGV((char[]){"--quiet=yes"})), OPT_WRONG);
    assert_int_equal(parse(&s, &first, ARGV((char[]){"--idle=soon"})), OPT_WRONG);
    assert_int_equal(parse(&s, &first, ARGV((char[]){"--idle=-1"})), OPT_WRONG);
    assert_int_equal(s.count, 0);
}

static void operands_are_refused_where_there_are_none(void **state)
{
    (void)state;
    struct settings s = {0};
    int first;
    assert_int_equal(parse(&s, &first, ARGV((char[]){"--quiet"}, (char[]){"x"})), OPT_GO);
    assert_int_equal(parse(&s, NULL, ARGV((char[]){"--quiet"}, (char[]){"x"})), OPT_WRONG);
    assert_int_equal(parse(&s, NULL, ARGV((char[]){"--quiet"})), OPT_GO);
}

static void reads_numbers_with_their_units(void **state)
{
    (void)state;
    uint64_t value;
    assert_int_equal(opts_number(OPT_SIZE, "1G", &value), 0);
    assert_int_equal(value, 1u << 30);
    assert_int_equal(opts_number(OPT_DURATION, "250ms", &value), 0);
    assert_int_equal(value, 250000000);
    assert_int_equal(opts_number(OPT_COUNT, "1k", &value), ERR_USAGE);
    assert_int_equal(opts_number(OPT_SIZE, "nan", &value), ERR_USAGE);
    assert_int_equal(opts_number(OPT_SIZE, "1e30", &value), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_every_type),
        cmocka_unit_test(refuses_what_it_does_not_take),
        cmocka_unit_test(operands_are_refused_where_there_are_none),
        cmocka_unit_test(reads_numbers_with_their_units),
    };
    return cmocka_run_group_tests_name("opts", tests, NULL, NULL);
}
