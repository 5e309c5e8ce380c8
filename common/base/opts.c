#include "common/base/opts.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapline/version.h>

#include "common/base/error.h"
#include "common/base/log.h"

struct unit {
    const char *name;
    double scale;
};

static const struct unit count_units[] = {{"", 1}, {NULL, 0}};
static const struct unit size_units[] = {{"", 1},       {"k", 1024.0},       {"K", 1024.0},
                                         {"M", 1048576.0}, {"G", 1073741824.0}, {NULL, 0}};
static const struct unit duration_units[] = {{"", 1e9},      {"s", 1e9},     {"ms", 1e6},
                                             {"min", 60e9}, {"h", 3600e9}, {NULL, 0}};

int opts_number(enum opt_type type, const char *text, uint64_t *value)
{
    const struct unit *unit = type == OPT_SIZE       ? size_units
                              : type == OPT_DURATION ? duration_units
                                                     : count_units;
    char *end;
    errno = 0;
    double number = strtod(text, &end);
    if (end == text || errno || !isfinite(number) || number < 0)
        return ERR_USAGE;
    for (; unit->name; unit++) {
        if (strcmp(unit->name, end) != 0)
            continue;
        double scaled = number * unit->scale;
        if (scaled >= 9e18 || (type == OPT_COUNT && scaled != floor(scaled)))
            return ERR_USAGE;
        *value = (uint64_t)scaled;
        return 0;
    }
    return ERR_USAGE;
}

static int add_text(const struct opt *opt, struct opt_texts *texts, const char *text)
{
    if (texts->count == OPT_TEXTS_MAX) {
        log_error("--%s %s: it can be given %d times", opt->name, text, OPT_TEXTS_MAX);
        return ERR_USAGE;
    }
    texts->list[texts->count++] = text;
    return 0;
}

/* What an option takes, in the unit that people give it in. */
static void log_bounds(const struct opt *opt, const char *text)
{
    double unit = opt->type == OPT_DURATION ? 1e9 : 1;
    if (opt->most)
        log_error("--%s %s: it takes %s from %.12g to %.12g", opt->name, text, opt->value,
                  (double)opt->least / unit, (double)opt->most / unit);
    else
        log_error("--%s %s: it takes %s from %.12g", opt->name, text, opt->value,
                  (double)opt->least / unit);
}

static int store(const struct opt *opt, void *into, const char *text)
{
    char *field = (char *)into + opt->offset;
    if (opt->type == OPT_TEXTS)
        return add_text(opt, (struct opt_texts *)(void *)field, text);
    if (opt->type == OPT_TEXT) {
        memcpy(field, &text, sizeof text);
        return 0;
    }
    uint64_t value;
    if (opts_number(opt->type, text, &value) != 0 || value < opt->least ||
        (opt->most && value > opt->most)) {
        log_bounds(opt, text);
        return ERR_USAGE;
    }
    memcpy(field, &value, sizeof value);
    return 0;
}

static void print_default(const struct opt *opt, const void *into)
{
    const char *field = (const char *)into + opt->offset;
    uint64_t value;
    const char *text;
    switch (opt->type) {
    case OPT_FLAG: break;
    case OPT_TEXTS: printf(" (may be given several times)"); break;
    case OPT_TEXT:
        memcpy(&text, field, sizeof text);
        if (text)
            printf(" [%s]", text);
        break;
    case OPT_COUNT:
    case OPT_SIZE:
        memcpy(&value, field, sizeof value);
        printf(" [%" PRIu64 "]", value);
        break;
    case OPT_DURATION:
        memcpy(&value, field, sizeof value);
        printf(" [%g s]", (double)value / 1e9);
        break;
    }
}

static void print_help(const struct opt_usage *usage, const struct opt_set *sets, size_t set_count)
{
    printf("usage: %s\n\n%s\n\noptions:\n", usage->synopsis, usage->purpose);
    for (size_t s = 0; s < set_count; s++) {
        for (size_t i = 0; i < sets[s].count; i++) {
            const struct opt *opt = &sets[s].opts[i];
            char name[64];
            snprintf(name, sizeof name, "--%s %s", opt->name, opt->value ? opt->value : "");
            printf("  %-26s %s", name, opt->help);
            print_default(opt, sets[s].into);
            printf("\n");
        }
    }
    printf("  %-26s %s\n  %-26s %s\n", "--help", "this text", "--version", "the version");
}

static const struct opt *find(const struct opt_set *sets, size_t set_count, const char *name,
                              size_t length, void **into)
{
    for (size_t s = 0; s < set_count; s++)
        for (size_t i = 0; i < sets[s].count; i++)
            if (strlen(sets[s].opts[i].name) == length &&
                strncmp(sets[s].opts[i].name, name, length) == 0) {
                *into = sets[s].into;
                return &sets[s].opts[i];
            }
    return NULL;
}

/* Takes the option at argv[*at]; *at stays at the last argument that it used. */
static int take(const struct opt_set *sets, size_t set_count, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    void *into = NULL;
    const struct opt *opt = find(sets, set_count, name, length, &into);
    if (!opt) {
        log_error("%s: no such option (see --help)", argv[*at]);
        return ERR_USAGE;
    }
    if (opt->type == OPT_FLAG) {
        if (equals) {
            log_error("--%s takes no value", opt->name);
            return ERR_USAGE;
        }
        bool yes = true;
        memcpy((char *)into + opt->offset, &yes, sizeof yes);
        return 0;
    }
    if (!equals && *at + 1 >= argc) {
        log_error("--%s needs a value: %s", opt->name, opt->value);
        return ERR_USAGE;
    }
    return store(opt, into, equals ? equals + 1 : argv[++*at]);
}

enum opt_outcome opts_parse(const struct opt_usage *usage, const struct opt_set *sets,
                            size_t set_count, int argc, char **argv, int *first)
{
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        if (strcmp(argv[at], "--help") == 0) {
            print_help(usage, sets, set_count);
            return OPT_ENDED;
        }
        if (strcmp(argv[at], "--version") == 0) {
            printf("tapline %s\n", TAPLINE_VERSION);
            return OPT_ENDED;
        }
        if (take(sets, set_count, argc, argv, &at) != 0)
            return OPT_WRONG;
    }
    if (!first && at < argc) {
        log_error("%s: not an option (see --help)", argv[at]);
        return OPT_WRONG;
    }
    if (first)
        *first = at;
    return OPT_GO;
}
