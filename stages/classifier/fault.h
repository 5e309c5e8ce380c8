/*
 * What is wrong with a profile: the first fault found, and where it stands.
 */
#ifndef TAPLINE_CLASSIFIER_FAULT_H
#define TAPLINE_CLASSIFIER_FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct fault {
    char *text;            /* where it is written, */
    size_t size;           /* and the room there */
    const char *file;      /* what is being read, and */
    const char *signature; /* the signature in it; NULL: none yet */
};

/** Writes `FILE: signature "NAME": ` and the rest as printf does. Always false, so that a reader
 *  can return it. */
bool fault_say(const struct fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
