#include "stages/sink/form.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "stages/sink/value.h"

/* The part of the text that one field's value takes the place of. */
struct blank {
    size_t start;
    size_t end;
};

struct form {
    const struct schema *schema;
    struct buffer text; /* a whole object but for its closing bracket */
    struct blank blanks[MAX_FIELDS];
    uint32_t figures; /* the fields that a view fills, */
    uint32_t learned; /* and those that the stages do: sets as in row.h */
};

static bool is_figure(const struct field *field)
{
    return field->kind > FIELD_UNPRINTED;
}

static int write_value(struct jsonw *w, struct slice value, struct stamp *stamp)
{
    struct unpack from = unpack_over(value.bytes, value.length);
    return value_write(w, &from, stamp);
}

struct form *form_new(const struct schema *schema)
{
    struct form *form = calloc(1, sizeof *form);
    if (!form)
        return NULL;
    form->schema = schema;
    struct jsonw w = jsonw_to(&form->text);
    jsonw_open_object(&w);
    for (size_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        if (field->kind == FIELD_UNPRINTED)
            continue;
        jsonw_plain_name(&w, field->key, field->key_length);
        form->blanks[i].start = form->text.length;
        write_value(&w, (struct slice){field->unknown, field->unknown_length}, NULL);
        form->blanks[i].end = form->text.length;
        *(is_figure(field) ? &form->figures : &form->learned) |= UINT32_C(1) << i;
    }
    if (form->text.failed)
        form_free(&form);
    return form;
}

void form_free(struct form **form)
{
    if (!*form)
        return;
    buffer_free(&(*form)->text);
    free(*form);
    *form = NULL;
}

static void write_figure(struct jsonw *w, enum field_kind kind, const struct view *view,
                         struct stamp *stamp)
{
    char text[IP_PORT_TEXT];
    struct slice ip_port;
    switch (kind) {
    case FIELD_IP_PORT:
        ip_port = view_ip_port(view, text);
        jsonw_plain(w, (const char *)ip_port.bytes, ip_port.length);
        break;
    case FIELD_START: value_write_time(w, stamp, view->start_ns); break;
    case FIELD_END: value_write_time(w, stamp, view->end_ns); break;
    case FIELD_RTT_MS: jsonw_double(w, view_rtt_ms(view)); break;
    default: jsonw_uint(w, view_count(view, kind)); break;
    }
}

int form_fill(const struct form *form, const struct row *row, const struct view *view,
              struct stamp *stamp, struct buffer *to)
{
    struct jsonw w = jsonw_to(to);
    size_t copied = 0;
    int error = 0;
    for (uint32_t left = form->figures | (form->learned & row->known); left && !error;) {
        size_t i = row_take_field(&left);
        const struct field *field = &form->schema->fields[i];
        buffer_append(to, form->text.bytes + copied, form->blanks[i].start - copied);
        copied = form->blanks[i].end;
        w.follows = false;
        if (is_figure(field))
            write_figure(&w, field->kind, view, stamp);
        else
            error = write_value(&w, row->values[i], stamp);
    }
    buffer_append(to, form->text.bytes + copied, form->text.length - copied);
    w.follows = true;
    for (uint32_t i = 0; i < row->further_count && !error; i++) {
        jsonw_name(&w, row->further[i].key.bytes, row->further[i].key.length);
        error = write_value(&w, row->further[i].value, stamp);
    }
    jsonw_close_object(&w);
    return error ? error : to->failed ? -ENOMEM : 0;
}
