#include "stages/sink/printer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/jsonw.h"
#include "stages/sink/form.h"
#include "stages/sink/position.h"

/* What a file's records are of; those of connections have a view of the connection before them. */
static const struct {
    const struct schema *schema; /* NULL: a key and how often it was seen */
    bool viewed;
} KINDS[RECORD_FILES] = {
    [FILE_SAVE_CON] = {&SCHEMA_TCP, true},  [FILE_TMP_CON] = {&SCHEMA_TCP, true},
    [FILE_UDP_CON] = {&SCHEMA_UDP, true},   [FILE_SAVE_HTTP] = {&SCHEMA_HTTP, true},
    [FILE_TMP_HTTP] = {&SCHEMA_HTTP, true}, [FILE_SNI] = {&SCHEMA_SNI, false},
    [FILE_CERT] = {&SCHEMA_CERT, false},    [FILE_DNS] = {&SCHEMA_DNS, false},
    [FILE_XYCDN] = {NULL, false},
};

struct printer {
    struct stamp *stamp;
    struct form *forms[RECORD_FILES]; /* NULL: not needed yet */
    struct row row;
};

struct printer *printer_new(struct slice zone)
{
    struct printer *p = calloc(1, sizeof *p);
    if (p && !(p->stamp = stamp_new(zone.bytes, zone.length)))
        printer_free(&p);
    return p;
}

void printer_free(struct printer **printer)
{
    if (!*printer)
        return;
    stamp_free(&(*printer)->stamp);
    for (size_t i = 0; i < RECORD_FILES; i++)
        form_free(&(*printer)->forms[i]);
    free(*printer);
    *printer = NULL;
}

static void print_count(const struct entry *record, uint64_t count, struct buffer *to)
{
    struct jsonw w = jsonw_to(to);
    jsonw_open_object(&w);
    jsonw_key(&w, "key");
    jsonw_text(&w, record->key + 1, record->key_length - 1);
    jsonw_key(&w, "num");
    jsonw_uint(&w, count);
    jsonw_close_object(&w);
}

static int print_row(struct printer *p, const struct entry *record, struct unpack *from,
                     struct buffer *to)
{
    enum record_file file = position_file(record);
    struct view view;
    if (!p->forms[file] && !(p->forms[file] = form_new(KINDS[file].schema)))
        return -ENOMEM;
    if (KINDS[file].viewed)
        view = view_load(from, position_ip_port(record));
    int error = row_load(&p->row, KINDS[file].schema, from);
    return error ? error
                 : form_fill(p->forms[file], &p->row, KINDS[file].viewed ? &view : NULL, p->stamp,
                             to);
}

int printer_line(struct printer *p, const struct entry *record, struct buffer *to)
{
    struct unpack from = unpack_over(record->value, record->value_length);
    int error = 0;
    if (KINDS[position_file(record)].schema)
        error = print_row(p, record, &from, to);
    else
        print_count(record, unpack_uint(&from), to);
    buffer_append(to, "\n", 1);
    return error ? error : to->failed ? -ENOMEM : 0;
}
