/*
 * Where the results go: the directory named OUT, as an open parent directory and a name in it.
 */
#ifndef TAPLINE_SINK_DESTINATION_H
#define TAPLINE_SINK_DESTINATION_H

#include <limits.h>

#include "common/wire/unpack.h"
#include "stages/sink/fault.h"

struct destination {
    int parent;              /* open directory */
    char name[NAME_MAX + 1]; /* of OUT in it, whether it is there or not */
    char shown[PATH_MAX];    /* OUT as it was asked for */
};

/**
 * Finds the place of OUT and makes the directories above it. A symbolic link to a directory
 * stands for that directory. With a `root` (else NULL) OUT lies below it, whatever it says: it is
 * relative, without "..", and no link is followed. 0, or ERR_USAGE or ERR_OUTPUT with the fault
 * set; then nothing is left open.
 */
int destination_open(struct destination *destination, const char *root, struct slice out,
                     struct fault *fault);

/** Is this a directory that a sink can have for its root? 0, or ERR_USAGE with a line on stderr. */
int destination_check_root(const char *root);

/** Closes the parent. */
void destination_close(struct destination *destination);

#endif
