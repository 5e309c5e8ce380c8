#include "stages/sink/sheet.h"

#include <errno.h>

#include "common/base/error.h"
#include "stages/sink/position.h"

static void put_record(struct sheet *sheet, const struct entry *record)
{
    uint8_t head[ENTRY_HEAD];
    entry_store_head(record, head);
    buffer_append(&sheet->records, head, sizeof head);
    buffer_append(&sheet->records, record->key, record->key_length);
    buffer_append(&sheet->records, record->value, record->value_length);
    sheet->lines++;
}

/* Reads a record ahead, where none is. ERR_EOF is said once alone by the records, as behind a part
 * others come. */
static int look_ahead(struct deal *deal)
{
    if (deal->is_ahead)
        return 0;
    int error = deal->ended ? ERR_EOF : records_next(deal->records, &deal->ahead);
    deal->is_ahead = !error;
    deal->ended = error == ERR_EOF;
    return error;
}

int sheet_fill(struct sheet *sheet, struct deal *deal)
{
    int error = 0;
    while (!sheet_is_full(sheet) && (error = look_ahead(deal)) == 0) {
        enum record_file file = position_file(&deal->ahead);
        if (sheet->lines && sheet->file != file)
            break;
        sheet->file = file;
        put_record(sheet, &deal->ahead);
        deal->is_ahead = false;
    }
    if (sheet->records.failed)
        return -ENOMEM;
    return error == ERR_EOF && sheet->lines ? 0 : error;
}

bool sheet_is_full(const struct sheet *sheet)
{
    return sheet->records.length >= SHEET_BYTES;
}

int sheet_print(const struct sheet *sheet, struct printer *printer, struct buffer *to)
{
    const uint8_t *at = sheet->records.bytes;
    int error = 0;
    for (uint64_t i = 0; i < sheet->lines && !error; i++) {
        struct entry record = entry_at(at);
        error = printer_line(printer, &record, to);
        at += entry_size(&record);
    }
    return error;
}

void sheet_clear(struct sheet *sheet)
{
    sheet->lines = 0;
    if (sheet->records.size > 2 * SHEET_BYTES) /* one record was long: others will not be */
        buffer_free(&sheet->records);
    buffer_clear(&sheet->records);
}

void sheet_free(struct sheet *sheet)
{
    buffer_free(&sheet->records);
    *sheet = (struct sheet){0};
}
