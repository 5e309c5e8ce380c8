/*
 * Directories of earlier results: telling them from anything else, which is never touched, and
 * removing them. Both know the names in layout.h and no others.
 */
#ifndef TAPLINE_SINK_EARLIER_H
#define TAPLINE_SINK_EARLIER_H

#include "stages/sink/fault.h"

enum earlier {
    EARLIER_ABSENT,  /* there is nothing of that name */
    EARLIER_EMPTY,   /* an empty directory */
    EARLIER_RESULTS, /* a directory with a ledger, and nothing that does not belong to results */
    EARLIER_STRANGE, /* anything else; the fault says what */
};

/** What stands under this name. A symbolic link is not followed. `shown` is what the name is
 *  called in the fault's text; its error is ERR_USAGE, or ERR_OUTPUT where looking failed. */
enum earlier earlier_check(int parent, const char *name, const char *shown, struct fault *fault);

/** Removes a directory of results, whole or half made; what does not belong there stays, and the
 *  directory with it. 0, or the negated errno of the first thing that would not go. */
int earlier_remove(int parent, const char *name);

#endif
