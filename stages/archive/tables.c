#include "stages/archive/tables.h"

#include <string.h>
#include <tapline/tap.h>

/* Times are text in UTC, as in the files of a command that ran there; lists are JSON. */
#define TEXT(key)                                                                                  \
    {                                                                                              \
        key, "TEXT"                                                                                \
    }
#define INT(key)                                                                                   \
    {                                                                                              \
        key, "INTEGER"                                                                             \
    }

#define SPAN TEXT("ip_port"), TEXT("start_timestamp"), TEXT("end_timestamp")
#define DIRECTED_COUNTS                                                                            \
    INT("src_dst_packet_count"), INT("dst_src_packet_count"), INT("src_dst_byte_count"),           \
        INT("dst_src_byte_count")
#define COUNTS INT("packet_count"), INT("byte_count"), DIRECTED_COUNTS
#define PAIR(name) TEXT(name "_ip_1"), TEXT(name "_id_1"), TEXT(name "_ip_2"), TEXT(name "_id_2")

static const struct column TCP[] = {
    SPAN,
    COUNTS,
    TEXT("protocol_type"),
    TEXT("http_req_time"),
    TEXT("https_SNI"),
    TEXT("https_SNI_ip"),
    TEXT("https_SNI_time"),
    TEXT("https_Cert_domain"),
    TEXT("https_Cert_ip"),
    TEXT("https_Cert_time"),
    PAIR("bit_peer"),
    PAIR("xunlei"),
    INT("syn_flag"),
    INT("fin_flag"),
    INT("rst_flag"),
    {"rtt/ms", "REAL"},
};

static const struct column UDP[] = {
    SPAN,
    COUNTS,
    TEXT("protocol_type"),
    PAIR("bit_peer"),
    TEXT("toutiao_ip"),
    TEXT("toutiao_value"),
    INT("toutiao_location"),
    PAIR("xunlei"),
    TEXT("stun_values"),
};

static const struct column HTTP[] = {
    SPAN,
    TEXT("req_time"),
    DIRECTED_COUNTS,
    TEXT("req_method"),
    TEXT("req_uri"),
    INT("req_need_length"),
    TEXT("req_headers"),
    TEXT("req_body"),
    TEXT("req_data"),
    TEXT("res_time"),
    TEXT("res_status"),
    TEXT("res_reason"),
    INT("res_need_length"),
    TEXT("res_headers"),
    TEXT("res_body"),
    TEXT("res_data"),
};

static const struct column SNI[] = {TEXT("sni_domain"), TEXT("sni_ip"), TEXT("timestamp")};
static const struct column CERT[] = {TEXT("sha256_fingerprint"), TEXT("domains"),
                                     TEXT("timestamp")};
static const struct column DNS[] = {TEXT("dns_domain"), TEXT("dns_ip"), TEXT("timestamp")};
static const struct column XYCDN[] = {TEXT("key"), INT("num")};

#define COLUMNS(columns) columns, sizeof(columns) / sizeof((columns)[0])

const struct table ARCHIVE_TABLES[TABLES] = {
    {TAPLINE_TOPIC_FLOW_TCP, "flow_tcp", "start_timestamp", COLUMNS(TCP)},
    {TAPLINE_TOPIC_FLOW_UDP, "flow_udp", "start_timestamp", COLUMNS(UDP)},
    {TAPLINE_TOPIC_HTTP, "http", "start_timestamp", COLUMNS(HTTP)},
    {TAPLINE_TOPIC_TLS_SNI, "tls_sni", "timestamp", COLUMNS(SNI)},
    {TAPLINE_TOPIC_TLS_CERT, "tls_cert", "timestamp", COLUMNS(CERT)},
    {TAPLINE_TOPIC_DNS, "dns", "timestamp", COLUMNS(DNS)},
    {TAPLINE_TOPIC_XYCDN, "xycdn", NULL, COLUMNS(XYCDN)},
};

static void append(struct buffer *to, const char *text)
{
    buffer_append(to, text, strlen(text));
}

static void append_index(struct buffer *to, const char *table, const char *column)
{
    append(to, "CREATE INDEX IF NOT EXISTS ");
    append(to, table);
    append(to, "_by_");
    append(to, column);
    append(to, " ON ");
    append(to, table);
    append(to, "(");
    append(to, column);
    append(to, ");");
}

void table_create_sql(const struct table *table, struct buffer *to)
{
    append(to, "CREATE TABLE IF NOT EXISTS ");
    append(to, table->name);
    append(to, "(attempt_id INTEGER NOT NULL REFERENCES attempts(id), seq INTEGER NOT NULL,"
               " file TEXT NOT NULL, src TEXT, dst TEXT, further TEXT");
    for (size_t i = 0; i < table->count; i++) {
        append(to, ", \"");
        append(to, table->columns[i].key);
        append(to, "\" ");
        append(to, table->columns[i].type);
    }
    append(to, ", PRIMARY KEY (attempt_id, seq)) WITHOUT ROWID;");
    if (table->time) {
        append_index(to, table->name, table->time);
        append_index(to, table->name, "src");
        append_index(to, table->name, "dst");
    }
    buffer_append(to, "", 1);
}

void table_insert_sql(const struct table *table, struct buffer *to)
{
    append(to, "INSERT OR IGNORE INTO ");
    append(to, table->name);
    append(to, " VALUES (?");
    for (size_t i = 1; i < BIND_FIRST - 1 + table->count; i++)
        append(to, ",?");
    append(to, ")");
    buffer_append(to, "", 1);
}

int table_column(const struct table *table, int from, const char *key, size_t length)
{
    for (size_t i = 0; i < table->count; i++) {
        size_t column = ((size_t)from + i) % table->count;
        const char *its = table->columns[column].key;
        if (strncmp(its, key, length) == 0 && !its[length])
            return (int)column;
    }
    return -1;
}
