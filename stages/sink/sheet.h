/*
 * Some records of one file, copied together so that another thread may print them.
 */
#ifndef TAPLINE_SINK_SHEET_H
#define TAPLINE_SINK_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "stages/sink/layout.h"
#include "stages/sink/printer.h"
#include "stages/sink/records.h"

/** Zeroed: a sheet without records. */
struct sheet {
    enum record_file file;
    uint64_t lines;
    struct buffer records; /* entries as they are stored (entry.h) */
};

/** So many bytes of records fill a sheet. They become about seven times as long when they are
 *  printed, which still fits a core's cache. */
enum { SHEET_BYTES = 32 * 1024 };

/** Records that are dealt to sheets; zeroed but for its first field at the beginning. */
struct deal {
    struct records *records;
    struct entry ahead; /* the first record of the next sheet */
    bool is_ahead;
    bool ended; /* there are no more */
};

/** Fills an empty sheet with the next records of one file. 0; ERR_EOF: there are none; what
 *  records_next returns; -ENOMEM. */
int sheet_fill(struct sheet *sheet, struct deal *deal);

/** Whether no more would have gone onto it. */
bool sheet_is_full(const struct sheet *sheet);

/** Appends the lines of its records. 0 or what printer_line returns. */
int sheet_print(const struct sheet *sheet, struct printer *printer, struct buffer *to);

/** Takes the records off it; their memory stays for others, where it is no more than usual. */
void sheet_clear(struct sheet *sheet);

/** The same, and gives all its memory back. */
void sheet_free(struct sheet *sheet);

#endif
