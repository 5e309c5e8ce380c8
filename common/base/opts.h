/*
 * Command line options from a table: each row names an option, where its value goes and what it
 * means; `--help` is written from the same rows. Long options only, `--name VALUE` or
 * `--name=VALUE`; sizes take k, M and G (powers of 1024), durations are in seconds and take ms,
 * s, min and h.
 */
#ifndef TAPLINE_COMMON_OPTS_H
#define TAPLINE_COMMON_OPTS_H

#include <stddef.h>
#include <stdint.h>

enum opt_type {
    OPT_FLAG,     /* no value: sets a bool */
    OPT_TEXT,     /* const char *, borrowed from argv */
    OPT_TEXTS,    /* struct opt_texts: given several times, in their order */
    OPT_COUNT,    /* uint64_t */
    OPT_SIZE,     /* uint64_t, bytes */
    OPT_DURATION, /* int64_t, nanoseconds */
};

struct opt {
    const char *name; /* without the dashes */
    enum opt_type type;
    size_t offset;     /* of the field within the struct that is filled */
    const char *value; /* what --help calls the value; NULL for a flag */
    const char *help;
    uint64_t least; /* numbers only: the smallest value taken, in the field's unit, and */
    uint64_t most;  /* the largest; 0: any */
};

enum { OPT_TEXTS_MAX = 64 };

/** Zeroed: none. Borrowed from argv. */
struct opt_texts {
    const char *list[OPT_TEXTS_MAX];
    size_t count;
};

/** One table of options and the struct that it fills; defaults are what the struct holds before. */
struct opt_set {
    const struct opt *opts;
    size_t count;
    void *into;
};

struct opt_usage {
    const char *synopsis; /* "tapline-reader [options] CAPTURE..." */
    const char *purpose;  /* what the program is, a sentence or two */
};

enum opt_outcome { OPT_GO, OPT_ENDED, OPT_WRONG };

/**
 * Fills the sets from the arguments. `*first` becomes the index of the first operand; `first` NULL:
 * the program takes none. Returns OPT_GO to go on; OPT_ENDED where --help or --version was answered
 * on stdout; OPT_WRONG where something was not understood (said on stderr).
 */
enum opt_outcome opts_parse(const struct opt_usage *usage, const struct opt_set *sets,
                            size_t set_count, int argc, char **argv, int *first);

/** Reads one number of the given type, as an option's value would be; 0 or ERR_USAGE. */
int opts_number(enum opt_type type, const char *text, uint64_t *value);

#endif
