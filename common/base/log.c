#include "common/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *program = "tapline";
static enum log_level shown = LOG_WARNING;

void log_open(const char *name, enum log_level level)
{
    program = name;
    shown = level;
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const words[] = {"", "warning: ", "", "debug: "};
    if (level > shown)
        return;

    char line[2048];
    int head = snprintf(line, sizeof line, "%s: %s", program, words[level]);
    size_t used = head > 0 ? (size_t)head : 0;
    if (used >= sizeof line - 1)
        used = sizeof line - 2;

    va_list args;
    va_start(args, format);
    int body = vsnprintf(line + used, sizeof line - used - 1, format, args);
    va_end(args);
    if (body > 0)
        used += (size_t)body < sizeof line - used - 1 ? (size_t)body : sizeof line - used - 2;

    for (size_t i = 0; i < used; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[used++] = '\n';
    /* One write, so that the lines of several programs on one terminal do not mix. */
    ssize_t ignored = write(STDERR_FILENO, line, used);
    (void)ignored;
}
