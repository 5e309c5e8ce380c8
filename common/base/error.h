/*
 * Error codes: 0 is success, a negated errno where the system said no, and below that ours.
 * A function that can fail returns one of these as an int, or NULL where it makes an object.
 */
#ifndef TAPLINE_COMMON_ERROR_H
#define TAPLINE_COMMON_ERROR_H

#include <stdbool.h>

enum {
    ERR_BASE = -1000,
    ERR_AGAIN,      /* not yet: more input, or a later moment, is needed */
    ERR_EOF,        /* the input ended where it may end */
    ERR_TRUNCATED,  /* the input ended within something */
    ERR_MALFORMED,  /* the input breaks its own format */
    ERR_VERSION,    /* the other side speaks another version */
    ERR_LIMIT,      /* a limit was reached */
    ERR_FLOWS,      /* ... the one of flows that are open at once: more may be allowed (--flows) */
    ERR_USAGE,      /* wrong use: arguments, options, files that the user wrote */
    ERR_UNREADABLE, /* the capture cannot be read at all */
    ERR_LOST,       /* a worker or a message was lost */
    ERR_LATE,       /* a record belongs among those that are written already */
    ERR_STOPPED,    /* told to stop */
    ERR_OUTPUT,     /* the results cannot be written */
};

/** Exit statuses of every program, and of the launcher. */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_WRONG_USE = 2,
    EXIT_UNREADABLE = 3, /* the capture cannot be read at all */
    EXIT_CUT = 4,        /* results published, but the capture broke off */
    EXIT_PIPELINE = 5,   /* the pipeline failed */
    EXIT_OUTPUT = 6,     /* the results could not be written */
};

/** A short text for a code of ours or a negated errno, static or thread-local; never NULL. */
const char *error_text(int code);

/** Whether a code is a negated errno, and so the system's own refusal. */
bool error_is_system(int code);

/** The exit status that a program ends with after the given code. EXIT_CUT is none of them: that a
 *  capture broke off is no error of whoever read it. */
enum exit_status error_exit(int code);

#endif
