/* Rows: each once, and only of attempts that count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "common/base/error.h"
#include "common/consumer/record.h"
#include "common/wire/pack.h"
#include "stages/archive/archive.h"

static char path[64];
static struct archive *archive;
static struct buffer map;

static int set_up(void **state)
{
    (void)state;
    int error;
    snprintf(path, sizeof path, "/tmp/tapline-test-%d.sqlite", (int)getpid());
    unlink(path);
    archive = archive_open(path, &error);
    return error;
}

static int tear_down(void **state)
{
    (void)state;
    archive_close(&archive);
    buffer_free(&map);
    return unlink(path);
}

static void open_map(uint64_t pairs, const char *capture, uint64_t attempt, uint64_t seq)
{
    buffer_clear(&map);
    pack_map(&map, 4 + pairs);
    pack_str(&map, "capture");
    pack_str(&map, capture);
    pack_str(&map, "attempt");
    pack_uint(&map, attempt);
    pack_str(&map, "sink");
    pack_str(&map, "ab");
    pack_str(&map, "seq");
    pack_uint(&map, seq);
}

static int take(const char *topic)
{
    struct tapline_record record = {.map = {map.bytes, map.length}};
    snprintf(record.topic, sizeof record.topic, "%s", topic);
    return archive_take(archive, &record);
}

static void name_seen(const char *capture, uint64_t attempt, uint64_t seq)
{
    open_map(4, capture, attempt, seq);
    pack_str(&map, "file");
    pack_str(&map, "sni.json");
    pack_str(&map, "flow");
    pack_str(&map, "2001:db8::1-1000-5.6.7.8-443");
    pack_str(&map, "timestamp");
    pack_time(&map, INT64_C(1689346934000123456));
    pack_str(&map, "transport");
    pack_str(&map, "quic");
    assert_int_equal(take("tls.sni"), 0);
}

static void happened(const char *capture, uint64_t attempt, const char *event, uint64_t names)
{
    open_map(2, capture, attempt, 1);
    pack_str(&map, "event");
    pack_str(&map, event);
    pack_str(&map, "records");
    pack_map(&map, 1);
    pack_str(&map, "tls.sni");
    pack_uint(&map, names);
    assert_int_equal(take("capture"), 0);
}

static void says(const char *sql, const char *want)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(archive_commit(archive), 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), want);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void a_message_that_comes_twice_is_one_row(void **state)
{
    (void)state;
    int error;
    name_seen("c1", 1, 5);
    name_seen("c1", 1, 5);
    assert_int_equal(archive_commit(archive), 0);
    archive_close(&archive);
    archive = archive_open(path, &error);
    assert_int_equal(error, 0);
    name_seen("c1", 1, 5);
    name_seen("c1", 1, 6);
    name_seen("c2", 1, 7);
    says("SELECT count(*) FROM tls_sni", "3");
    says("SELECT count(*) FROM attempts", "2");
    says("SELECT src || ' ' || dst || ' ' || timestamp || ' ' || further FROM tls_sni",
         "2001:db8::1 5.6.7.8 2023-07-14 15:02:14.000123 {\"transport\": \"quic\"}");
}

static void attempts_that_came_to_nothing_leave_no_rows(void **state)
{
    (void)state;
    happened("c1", 1, "begun", 0);
    name_seen("c1", 1, 1);
    name_seen("c2", 1, 2);
    happened("c1", 1, "failed", 1);
    says("SELECT group_concat(capture) FROM tls_sni JOIN attempts ON id = attempt_id", "c2");
    happened("c1", 2, "attempt", 0);
    name_seen("c1", 2, 3);
    happened("c1", 2, "published", 1);
    says("SELECT group_concat(capture || attempt) FROM tls_sni JOIN attempts ON id = attempt_id "
         "ORDER BY 1",
         "c21,c12");
    says("SELECT state || missed FROM attempts WHERE attempt = 2", "published0");
}

static void a_later_attempt_voids_one_whose_end_was_missed(void **state)
{
    (void)state;
    name_seen("c1", 1, 1);
    name_seen("c1", 2, 2);
    happened("c1", 2, "published", 4);
    says("SELECT count(*) FROM tls_sni", "1");
    says("SELECT missed FROM attempts WHERE attempt = 2", "3");
}

static void what_is_no_record_is_refused(void **state)
{
    (void)state;
    buffer_clear(&map);
    pack_map(&map, 0);
    assert_int_equal(take("dns"), ERR_MALFORMED);
    assert_int_equal(take("capture"), ERR_MALFORMED);
    assert_int_equal(take("later.topic"), 0);
}

#define ARCHIVE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARCHIVE(a_message_that_comes_twice_is_one_row),
        ARCHIVE(attempts_that_came_to_nothing_leave_no_rows),
        ARCHIVE(a_later_attempt_voids_one_whose_end_was_missed),
        ARCHIVE(what_is_no_record_is_refused),
    };
    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
