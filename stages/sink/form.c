#include "stages/sink/form.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/digits.h"
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

/* What is written in place has room for the longest, in its quotation marks. */
enum { LONGEST_FIGURE = IP_PORT_TEXT + 2 };

static char *put_ip_port(char *at, const struct view *view)
{
    char text[IP_PORT_TEXT];
    struct slice ip_port = view_ip_port(view, text);
    *at++ = '"';
    memcpy(at, ip_port.bytes, ip_port.length);
    at[ip_port.length] = '"';
    return at + ip_port.length + 1;
}

static char *put_stamp(char *at, struct stamp *stamp, int64_t time_ns)
{
    *at++ = '"';
    stamp_write(stamp, time_ns, at);
    at[STAMP_LENGTH] = '"';
    return at + STAMP_LENGTH + 1;
}

static char *put_figure(char *at, enum field_kind kind, const struct view *view,
                        struct stamp *stamp)
{
    switch (kind) {
    case FIELD_IP_PORT: return put_ip_port(at, view);
    case FIELD_START: return put_stamp(at, stamp, view->start_ns);
    case FIELD_END: return put_stamp(at, stamp, view->end_ns);
    default: return digits_put(at, view_count(view, kind));
    }
}

/* Copies the form from `copied` up to a field's blank, and fills that. A record has a dozen
 * figures: hence without a JSON writer. */
static int fill_blank(const struct form *form, size_t field, size_t copied, const struct row *row,
                      const struct view *view, struct stamp *stamp, struct buffer *to)
{
    enum field_kind kind = form->schema->fields[field].kind;
    size_t length = form->blanks[field].start - copied;
    char *at = (char *)buffer_reserve(to, length + LONGEST_FIGURE);
    if (!at)
        return -ENOMEM;
    memcpy(at, form->text.bytes + copied, length);
    at += length;
    to->length += length;
    struct jsonw w = jsonw_to(to);
    if (kind < FIELD_UNPRINTED)
        return write_value(&w, row->values[field], stamp);
    if (kind == FIELD_RTT_MS)
        jsonw_double(&w, view_rtt_ms(view));
    else
        to->length += (size_t)(put_figure(at, kind, view, stamp) - at);
    return 0;
}

int form_fill(const struct form *form, const struct row *row, const struct view *view,
              struct stamp *stamp, struct buffer *to)
{
    size_t copied = 0;
    int error = 0;
    for (uint32_t left = form->figures | (form->learned & row->known); left && !error;) {
        size_t field = row_take_field(&left);
        error = fill_blank(form, field, copied, row, view, stamp, to);
        copied = form->blanks[field].end;
    }
    buffer_append(to, form->text.bytes + copied, form->text.length - copied);
    struct jsonw w = {.out = to, .follows = true};
    for (uint32_t i = 0; i < row->further_count && !error; i++) {
        jsonw_name(&w, row->further[i].key.bytes, row->further[i].key.length);
        error = write_value(&w, row->further[i].value, stamp);
    }
    jsonw_close_object(&w);
    return error ? error : to->failed ? -ENOMEM : 0;
}
