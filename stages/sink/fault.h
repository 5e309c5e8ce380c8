/*
 * Why something failed, for the person who asked: what, where, what to do.
 */
#ifndef TAPLINE_SINK_FAULT_H
#define TAPLINE_SINK_FAULT_H

enum { FAULT_TEXT = 1024 };

struct fault {
    int error; /* 0: none */
    char text[FAULT_TEXT];
};

/** Says why, like printf, and returns `error`. Bytes of the text that are not UTF-8 or are
 *  controls become '?', as names of files may come in here. */
int fault_set(struct fault *fault, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
