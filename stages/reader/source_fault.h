/*
 * Why a capture breaks off, or is none: a text that the layers of a source write into one place.
 */
#ifndef TAPLINE_READER_SOURCE_FAULT_H
#define TAPLINE_READER_SOURCE_FAULT_H

#include <stdarg.h>
#include <stdio.h>

struct source_fault {
    char text[320]; /* "": nothing is wrong */
};

/** Says what is wrong, like printf; what does not fit is cut off. */
__attribute__((format(printf, 2, 3))) static inline void
source_fault_say(struct source_fault *fault, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(fault->text, sizeof fault->text, format, values);
    va_end(values);
}

#endif
