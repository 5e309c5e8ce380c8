/*
 * The tables: one for each kind of record, with a column for every documented key, and what it
 * takes to make and fill them.
 */
#ifndef TAPLINE_ARCHIVE_TABLES_H
#define TAPLINE_ARCHIVE_TABLES_H

#include <stddef.h>

#include "common/base/buffer.h"

struct column {
    const char *key; /* of the record, and the column's name */
    const char *type;
};

struct table {
    const char *topic;
    const char *name;
    const char *time; /* the column that it is indexed by, beside the addresses; NULL: none */
    const struct column *columns;
    size_t count;
};

enum { TABLES = 7 };

extern const struct table ARCHIVE_TABLES[TABLES];

/** Columns that every table has before those of its record, in the order of binding. */
enum { BIND_ATTEMPT = 1, BIND_SEQ, BIND_FILE, BIND_SRC, BIND_DST, BIND_FURTHER, BIND_FIRST };

/** Appends the statements that make a table and its indexes where they are missing, with a NUL. */
void table_create_sql(const struct table *table, struct buffer *to);

/** Appends the statement that adds a row, unless it is there, with a NUL. */
void table_insert_sql(const struct table *table, struct buffer *to);

/** The column of a key; -1: the table has none. Keys mostly come in the columns' order, hence it is
 *  looked for from column `from` on, and then from the first on. */
int table_column(const struct table *table, int from, const char *key, size_t length);

#endif
