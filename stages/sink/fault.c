#include "stages/sink/fault.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"

int fault_set(struct fault *fault, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    uint8_t *text = (uint8_t *)fault->text;
    size_t length = strlen(fault->text);
    for (size_t at = text_valid(text, length); at < length;
         at += text_valid(text + at, length - at))
        text[at] = '?';
    for (size_t at = 0; at < length; at++)
        if (text[at] < 0x20 || text[at] == 0x7f)
            text[at] = '?';
    fault->error = error;
    return error;
}
