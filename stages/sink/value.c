#include "stages/sink/value.h"

enum { MAX_DEPTH = 32 };

static void write_time(struct jsonw *w, struct stamp *stamp, int64_t time_ns)
{
    char text[STAMP_LENGTH];
    stamp_write(stamp, time_ns, text);
    jsonw_plain(w, text, sizeof text);
}

static void write_any(struct jsonw *w, struct unpack *from, struct stamp *stamp, int depth);

static void write_array(struct jsonw *w, struct unpack *from, struct stamp *stamp, int depth)
{
    jsonw_open_array(w);
    uint32_t count = unpack_array(from);
    for (uint32_t i = 0; i < count && !from->error; i++)
        write_any(w, from, stamp, depth);
    jsonw_close_array(w);
}

static void write_map(struct jsonw *w, struct unpack *from, struct stamp *stamp, int depth)
{
    jsonw_open_object(w);
    uint32_t pairs = unpack_map(from);
    for (uint32_t i = 0; i < pairs && !from->error; i++) {
        struct slice name = unpack_str(from);
        jsonw_name(w, name.bytes, name.length);
        write_any(w, from, stamp, depth);
    }
    jsonw_close_object(w);
}

/* msgpack's integers of either sign reach beyond either of C's. */
static void write_int(struct jsonw *w, struct unpack *from)
{
    struct unpack ahead = *from;
    uint64_t value = unpack_uint(&ahead);
    if (ahead.error) {
        jsonw_int(w, unpack_int(from));
        return;
    }
    jsonw_uint(w, value);
    *from = ahead;
}

/* Recursion is bounded by `depth`, as a sender may nest as deep as a message is long. */
static void write_any(struct jsonw *w, struct unpack *from, struct stamp *stamp, int depth)
{
    struct slice text;
    if (depth >= MAX_DEPTH) {
        unpack_refuse(from);
        return;
    }
    switch (unpack_type(from)) {
    case UNPACK_NIL:
        unpack_nil(from);
        jsonw_null(w);
        break;
    case UNPACK_BOOL: jsonw_bool(w, unpack_bool(from)); break;
    case UNPACK_INT: write_int(w, from); break;
    case UNPACK_DOUBLE: jsonw_double(w, unpack_double(from)); break;
    case UNPACK_STR:
        text = unpack_str(from);
        jsonw_text(w, text.bytes, text.length);
        break;
    case UNPACK_ARRAY: write_array(w, from, stamp, depth + 1); break;
    case UNPACK_MAP: write_map(w, from, stamp, depth + 1); break;
    case UNPACK_TIME: write_time(w, stamp, unpack_time(from)); break;
    case UNPACK_NONE:
    case UNPACK_BIN:
    case UNPACK_OTHER: unpack_refuse(from); break;
    }
}

int value_write(struct jsonw *w, struct unpack *from, struct stamp *stamp)
{
    write_any(w, from, stamp, 0);
    return from->error;
}
