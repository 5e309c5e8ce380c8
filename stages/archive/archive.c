#include "stages/archive/archive.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/consumer/print.h"
#include "stages/archive/tables.h"

/* "tapl": whose file it is; and of which form. */
enum { APPLICATION_ID = 0x7461706c, FORM = 1, ID_TEXT = 17, BUSY_MS = 10000, BATCH = 20000 };

struct archive {
    sqlite3 *db;
    const char *path;
    sqlite3_stmt *insert[TABLES];
    sqlite3_stmt *add_attempt, *find_attempt, *settle;
    struct stamp *utc;
    struct buffer text; /* JSON that is being made, */
    struct buffer further; /* and that of the keys without a column */
    bool open;          /* a transaction is */
    uint32_t waiting;   /* rows in it */
    /* The attempt that was asked for last. */
    char capture[ID_TEXT], sink[ID_TEXT];
    int64_t attempt, attempt_id;
};

static int failed(const struct archive *a)
{
    log_error("%s: %s", a->path, sqlite3_errmsg(a->db));
    return ERR_OUTPUT;
}

static int run(struct archive *a, const char *sql)
{
    return sqlite3_exec(a->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(a);
}

/* ---- opening ------------------------------------------------------------------------------ */

static int number_of(struct archive *a, const char *pragma)
{
    sqlite3_stmt *statement = NULL;
    int number = -1;
    if (sqlite3_prepare_v2(a->db, pragma, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* An empty file is made ours; one with tables of another program's is left alone. */
static int claim(struct archive *a)
{
    int objects = number_of(a, "SELECT count(*) FROM sqlite_schema");
    if (objects < 0)
        return failed(a);
    if (objects && (number_of(a, "PRAGMA application_id") != APPLICATION_ID ||
                    number_of(a, "PRAGMA user_version") != FORM)) {
        log_error("%s: this is no archive of tapline's, or one of another version", a->path);
        return ERR_USAGE;
    }
    return run(a, "PRAGMA application_id = 1952542828; PRAGMA user_version = 1;"
                  "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                  /* The indexes are written all over: in KiB, and in pages of 4 KiB. */
                  "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384;"
                  "CREATE TABLE IF NOT EXISTS attempts(id INTEGER PRIMARY KEY,"
                  " capture TEXT NOT NULL, attempt INTEGER NOT NULL, sink TEXT NOT NULL,"
                  " state TEXT, out TEXT, status INTEGER, text TEXT, sources TEXT, records TEXT,"
                  " missed INTEGER, UNIQUE (capture, attempt, sink));");
}

static int prepare(struct archive *a, sqlite3_stmt **statement, const char *sql)
{
    return sqlite3_prepare_v3(a->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
                   SQLITE_OK
               ? 0
               : failed(a);
}

static int make_table(struct archive *a, size_t which)
{
    buffer_clear(&a->text);
    table_create_sql(&ARCHIVE_TABLES[which], &a->text);
    int error = a->text.failed ? -ENOMEM : run(a, (const char *)a->text.bytes);
    buffer_clear(&a->text);
    table_insert_sql(&ARCHIVE_TABLES[which], &a->text);
    if (!error)
        error =
            a->text.failed ? -ENOMEM : prepare(a, &a->insert[which], (const char *)a->text.bytes);
    return error;
}

static int make(struct archive *a)
{
    int error = claim(a);
    for (size_t i = 0; i < TABLES && !error; i++)
        error = make_table(a, i);
    if (!error)
        error = prepare(a, &a->add_attempt,
                        "INSERT OR IGNORE INTO attempts(capture, attempt, sink) VALUES (?, ?, ?)");
    if (!error)
        error = prepare(a, &a->find_attempt,
                        "SELECT id FROM attempts WHERE capture = ? AND attempt = ? AND sink = ?");
    if (!error)
        error = prepare(a, &a->settle,
                        "UPDATE attempts SET state = ?2, out = ?3, status = ?4, text = ?5,"
                        " sources = ?6, records = ?7, missed = ?8 WHERE id = ?1");
    return error;
}

struct archive *archive_open(const char *path, int *error)
{
    struct archive *a = calloc(1, sizeof *a);
    *error = -ENOMEM;
    if (!a)
        return NULL;
    a->path = path;
    a->utc = stamp_new("UTC", 3);
    const int mode = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (a->utc && sqlite3_open_v2(path, &a->db, mode, NULL) != SQLITE_OK)
        *error = failed(a);
    else if (a->utc) {
        sqlite3_busy_timeout(a->db, BUSY_MS);
        *error = make(a);
    }
    if (*error)
        archive_close(&a);
    return a;
}

void archive_close(struct archive **archive)
{
    struct archive *a = *archive;
    if (!a)
        return;
    for (size_t i = 0; i < TABLES; i++)
        sqlite3_finalize(a->insert[i]);
    sqlite3_finalize(a->add_attempt);
    sqlite3_finalize(a->find_attempt);
    sqlite3_finalize(a->settle);
    sqlite3_close(a->db);
    stamp_free(&a->utc);
    buffer_free(&a->text);
    buffer_free(&a->further);
    free(a);
    *archive = NULL;
}

/* ---- rows --------------------------------------------------------------------------------- */

static int step(struct archive *a, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? 0 : failed(a);
}

static bool id_to(struct tapline_value value, char out[ID_TEXT])
{
    const char *text;
    size_t length;
    if (!tapline_text(value, &text, &length) || length >= ID_TEXT)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static int look_up_attempt(struct archive *a)
{
    sqlite3_stmt *const both[] = {a->add_attempt, a->find_attempt};
    for (size_t i = 0; i < 2; i++) {
        sqlite3_bind_text(both[i], 1, a->capture, -1, SQLITE_STATIC);
        sqlite3_bind_int64(both[i], 2, a->attempt);
        sqlite3_bind_text(both[i], 3, a->sink, -1, SQLITE_STATIC);
    }
    int error = step(a, a->add_attempt);
    if (error)
        return error;
    if (sqlite3_step(a->find_attempt) != SQLITE_ROW)
        error = failed(a);
    else
        a->attempt_id = sqlite3_column_int64(a->find_attempt, 0);
    sqlite3_reset(a->find_attempt);
    return error;
}

/* Sets the attempt that a record belongs to. */
static int find_attempt(struct archive *a, const struct tapline_record *record)
{
    char capture[ID_TEXT], sink[ID_TEXT];
    int64_t attempt;
    if (!id_to(tapline_get(record, "capture"), capture) ||
        !id_to(tapline_get(record, "sink"), sink) ||
        !tapline_int(tapline_get(record, "attempt"), &attempt))
        return ERR_MALFORMED;
    if (a->attempt_id && attempt == a->attempt && strcmp(capture, a->capture) == 0 &&
        strcmp(sink, a->sink) == 0)
        return 0;
    memcpy(a->capture, capture, sizeof capture);
    memcpy(a->sink, sink, sizeof sink);
    a->attempt = attempt;
    a->attempt_id = 0;
    return look_up_attempt(a);
}

static void bind_json(struct archive *a, sqlite3_stmt *to, int column, struct tapline_value value)
{
    buffer_clear(&a->text);
    struct jsonw w = jsonw_to(&a->text);
    print_value(&w, value, a->utc);
    sqlite3_bind_text(to, column, (const char *)a->text.bytes, (int)a->text.length,
                      SQLITE_TRANSIENT);
}

static void bind_value(struct archive *a, sqlite3_stmt *to, int column, struct tapline_value value)
{
    char stamp[STAMP_LENGTH];
    const char *text;
    size_t length;
    int64_t integer;
    double number;
    if (tapline_text(value, &text, &length))
        sqlite3_bind_text(to, column, text, (int)length, SQLITE_STATIC);
    else if (tapline_int(value, &integer))
        sqlite3_bind_int64(to, column, integer);
    else if (tapline_double(value, &number))
        sqlite3_bind_double(to, column, number);
    else if (tapline_time(value, &integer)) {
        stamp_write(a->utc, integer, stamp);
        sqlite3_bind_text(to, column, stamp, sizeof stamp, SQLITE_TRANSIENT);
    } else if (tapline_type_of(value) == TAPLINE_NIL || tapline_type_of(value) == TAPLINE_NONE)
        sqlite3_bind_null(to, column);
    else
        bind_json(a, to, column, value);
}

/* "src-sport-dst-dport": the first and the third of four. */
static void bind_addresses(sqlite3_stmt *to, struct tapline_value flow)
{
    const char *text, *end, *dash;
    size_t length;
    if (!tapline_text(flow, &text, &length))
        return;
    end = text + length;
    for (int part = 0; text < end; part++, text = dash < end ? dash + 1 : end) {
        dash = memchr(text, '-', (size_t)(end - text));
        if (!dash)
            dash = end;
        if (part == 0 || part == 2)
            sqlite3_bind_text(to, part ? BIND_DST : BIND_SRC, text, (int)(dash - text),
                              SQLITE_STATIC);
    }
}

static bool is_envelope(const char *key, size_t length)
{
    static const char *const keys[] = {"tap", "capture", "attempt", "sink", "seq", "file", "flow"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strlen(keys[i]) == length && memcmp(keys[i], key, length) == 0)
            return true;
    return false;
}

/* The record's own keys: into their columns, and those that have none together into `further`. */
static void bind_keys(struct archive *a, size_t which, const struct tapline_record *record)
{
    sqlite3_stmt *to = a->insert[which];
    struct tapline_items items = tapline_items(tapline_record_value(record));
    struct tapline_value name, value;
    buffer_clear(&a->further);
    struct jsonw w = jsonw_to(&a->further);
    const char *key;
    size_t length;
    int column = -1;
    jsonw_open_object(&w);
    while (tapline_item(&items, &name, &value)) {
        if (!tapline_text(name, &key, &length))
            continue;
        int found = table_column(&ARCHIVE_TABLES[which], column + 1, key, length);
        if (found >= 0) {
            column = found;
            bind_value(a, to, BIND_FIRST + column, value);
        } else if (!is_envelope(key, length)) {
            jsonw_name(&w, key, length);
            print_value(&w, value, a->utc);
        }
    }
    jsonw_close_object(&w);
    if (!a->further.failed && a->further.length > 2)
        sqlite3_bind_text(to, BIND_FURTHER, (const char *)a->further.bytes,
                          (int)a->further.length, SQLITE_STATIC);
}

static int add_row(struct archive *a, size_t which, const struct tapline_record *record)
{
    sqlite3_stmt *to = a->insert[which];
    sqlite3_clear_bindings(to);
    sqlite3_bind_int64(to, BIND_ATTEMPT, a->attempt_id);
    bind_value(a, to, BIND_SEQ, tapline_get(record, "seq"));
    bind_value(a, to, BIND_FILE, tapline_get(record, "file"));
    bind_addresses(to, tapline_get(record, "flow"));
    bind_addresses(to, tapline_get(record, "ip_port"));
    bind_keys(a, which, record);
    return step(a, to);
}

/* ---- captures ----------------------------------------------------------------------------- */

/* Takes out the rows of this capture's attempts that the condition holds for. */
static int drop(struct archive *a, const char *condition)
{
    int error = 0;
    for (size_t i = 0; i < TABLES && !error; i++) {
        char *sql = sqlite3_mprintf("DELETE FROM %s WHERE attempt_id IN (SELECT id FROM attempts"
                                    " WHERE capture = %Q AND %s %lld)",
                                    ARCHIVE_TABLES[i].name, a->capture, condition,
                                    (long long)a->attempt_id);
        error = sql ? run(a, sql) : -ENOMEM;
        sqlite3_free(sql);
    }
    return error;
}

/* How many of the messages that the sink made of this attempt are not here. */
static int64_t missing(struct archive *a, const struct tapline_record *record)
{
    struct tapline_items items = tapline_items(tapline_get(record, "records"));
    struct tapline_value name, value;
    const char *topic;
    size_t length;
    int64_t made, missed = 0;
    while (tapline_item(&items, &name, &value))
        for (size_t i = 0; i < TABLES; i++) {
            const struct table *table = &ARCHIVE_TABLES[i];
            if (!tapline_text(name, &topic, &length) || strlen(table->topic) != length ||
                memcmp(table->topic, topic, length) != 0 || !tapline_int(value, &made))
                continue;
            char *sql = sqlite3_mprintf("SELECT count(*) FROM %s WHERE attempt_id = %lld",
                                        table->name, (long long)a->attempt_id);
            missed += made - (sql ? number_of(a, sql) : 0);
            sqlite3_free(sql);
        }
    return missed;
}

static bool is_event(const struct tapline_record *record, const char *name)
{
    const char *text;
    size_t length;
    return tapline_text(tapline_get(record, "event"), &text, &length) && length == strlen(name) &&
           memcmp(text, name, length) == 0;
}

static int take_event(struct archive *a, const struct tapline_record *record)
{
    bool published = is_event(record, "published"), is_void = is_event(record, "failed");
    int64_t missed = published ? missing(a, record) : 0;
    sqlite3_clear_bindings(a->settle);
    sqlite3_bind_int64(a->settle, 1, a->attempt_id);
    static const char *const keys[] = {"event", "out", "status", "text", "sources", "records"};
    for (int i = 0; i < (int)(sizeof keys / sizeof keys[0]); i++)
        bind_value(a, a->settle, 2 + i, tapline_get(record, keys[i]));
    if (published)
        sqlite3_bind_int64(a->settle, 8, missed);
    int error = step(a, a->settle);
    if (missed > 0)
        log_warning("capture %s: %lld records were missed", a->capture, (long long)missed);
    if (!error && is_void)
        error = drop(a, "id =");
    else if (!error) /* this attempt is the one that counts, as far as is known */
        error = drop(a, "id <>");
    return error ? error : archive_commit(a);
}

static int take_record(struct archive *a, const struct tapline_record *record)
{
    size_t which = 0;
    while (which < TABLES && strcmp(tapline_topic(record), ARCHIVE_TABLES[which].topic) != 0)
        which++;
    if (which == TABLES)
        return 0; /* a topic of a later version */
    int error = find_attempt(a, record);
    if (!error)
        error = add_row(a, which, record);
    return error || ++a->waiting < BATCH ? error : archive_commit(a);
}

int archive_take(struct archive *a, const struct tapline_record *record)
{
    int error = a->open ? 0 : run(a, "BEGIN");
    if (error)
        return error;
    a->open = true;
    if (strcmp(tapline_topic(record), TAPLINE_TOPIC_CAPTURE) != 0)
        return take_record(a, record);
    error = find_attempt(a, record);
    return error ? error : take_event(a, record);
}

int archive_commit(struct archive *a)
{
    int error = a->open ? run(a, "COMMIT") : 0;
    a->open = false;
    a->waiting = 0;
    return error;
}
