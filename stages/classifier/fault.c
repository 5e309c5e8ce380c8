#include "stages/classifier/fault.h"

#include <stdarg.h>
#include <stdio.h>

bool fault_say(const struct fault *fault, const char *format, ...)
{
    int length = fault->signature
                     ? snprintf(fault->text, fault->size, "%s: signature \"%s\": ", fault->file,
                                fault->signature)
                     : snprintf(fault->text, fault->size, "%s: ", fault->file);
    if (length > 0 && (size_t)length < fault->size) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(fault->text + length, fault->size - (size_t)length, format, arguments);
        va_end(arguments);
    }
    return false;
}
