#include "stages/reader/remarks.h"

#include <stdarg.h>
#include <stdio.h>

enum { LONGEST = 1800 };

void remark(struct remarks *remarks, enum log_level level, const char *format, ...)
{
    char text[LONGEST];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!remarks->kept) {
        log_line(level, "%s", text);
        return;
    }
    const char *head = level == LOG_WARNING ? "warning: " : "";
    buffer_append(&remarks->text, head, strlen(head));
    buffer_append(&remarks->text, text, strlen(text) + 1);
}

void remarks_write(const struct remarks *remarks, struct jsonw *to)
{
    const char *at = (const char *)remarks->text.bytes;
    const char *end = at + remarks->text.length;
    jsonw_open_array(to);
    for (; at < end; at += strlen(at) + 1)
        jsonw_text(to, at, strlen(at));
    jsonw_close_array(to);
}

void remarks_free(struct remarks *remarks)
{
    buffer_free(&remarks->text);
}
