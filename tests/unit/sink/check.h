/*
 * What the sink's tests share: cmocka with what it needs, and directories to make and remove.
 */
#ifndef TAPLINE_TESTS_SINK_CHECK_H
#define TAPLINE_TESTS_SINK_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ftw.h>

enum { SCRATCH_PATH = 512 };

/** Makes an empty directory below $TMPDIR; its path goes to `path`. */
static inline void scratch_make(char path[SCRATCH_PATH])
{
    const char *base = getenv("TMPDIR");
    snprintf(path, SCRATCH_PATH, "%s/tapline-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
}

static inline int scratch_remove_one(const char *path, const struct stat *status, int type,
                                     struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

/** Removes it with all that it holds. */
static inline void scratch_remove(const char *path)
{
    assert_int_equal(nftw(path, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
