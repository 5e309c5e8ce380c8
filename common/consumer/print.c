#include "common/consumer/print.h"

#include <errno.h>
#include <string.h>

static void print_items(struct jsonw *w, struct tapline_value value, struct stamp *stamp)
{
    struct tapline_items items = tapline_items(value);
    struct tapline_value name, item;
    const char *text;
    size_t length;
    while (tapline_item(&items, &name, &item)) {
        bool named = tapline_text(name, &text, &length);
        if (items.named && !named)
            continue; /* a key that is no text has no place in JSON */
        if (named)
            jsonw_name(w, text, length);
        print_value(w, item, stamp);
    }
}

static void print_time(struct jsonw *w, struct tapline_value value, struct stamp *stamp)
{
    char text[STAMP_LENGTH];
    int64_t time_ns;
    if (!tapline_time(value, &time_ns)) { /* further away than 64 bits of nanoseconds */
        jsonw_null(w);
        return;
    }
    stamp_write(stamp, time_ns, text);
    jsonw_plain(w, text, sizeof text);
}

static void print_scalar(struct jsonw *w, struct tapline_value value)
{
    const char *text;
    size_t length;
    int64_t integer;
    double number;
    bool truth;
    if (tapline_text(value, &text, &length))
        jsonw_text(w, text, length);
    else if (tapline_int(value, &integer))
        jsonw_int(w, integer);
    else if (tapline_double(value, &number))
        jsonw_double(w, number);
    else if (tapline_bool(value, &truth))
        jsonw_bool(w, truth);
    else
        jsonw_null(w);
}

/* Recursion ends where the library's: it gives out no value that is nested deeper than 32. */
void print_value(struct jsonw *w, struct tapline_value value, struct stamp *stamp)
{
    switch (tapline_type_of(value)) {
    case TAPLINE_LIST:
        jsonw_open_array(w);
        print_items(w, value, stamp);
        jsonw_close_array(w);
        break;
    case TAPLINE_MAP:
        jsonw_open_object(w);
        print_items(w, value, stamp);
        jsonw_close_object(w);
        break;
    case TAPLINE_TIME: print_time(w, value, stamp); break;
    default: print_scalar(w, value); break;
    }
}

int print_record(const struct tapline_record *record, struct stamp *stamp, struct buffer *to)
{
    struct jsonw w = jsonw_to(to);
    const char *topic = tapline_topic(record);
    jsonw_open_object(&w);
    jsonw_key(&w, "topic");
    jsonw_text(&w, topic, strlen(topic));
    print_items(&w, tapline_record_value(record), stamp);
    jsonw_close_object(&w);
    buffer_append(to, "\n", 1);
    return to->failed ? -ENOMEM : 0;
}
