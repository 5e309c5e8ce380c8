#include "stages/sink/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/wire/pack.h"
#include "stages/sink/top.h"

enum { LISTED = 10 };

enum counted {
    HOSTS,
    NAMES,
    PROTOCOLS,
    BIT_PEERS,
    XUNLEI_IDS,
    TOUTIAO_VALUES,
    STUN_VALUES,
    COUNTED
};

struct summary {
    bool begun; /* there was a flow */
    int64_t start_ns;
    int64_t end_ns;
    struct top *tops[COUNTED];
};

struct summary *summary_new(void)
{
    struct summary *s = calloc(1, sizeof *s);
    for (size_t i = 0; s && i < COUNTED; i++) {
        s->tops[i] = top_new();
        if (!s->tops[i])
            summary_free(&s);
    }
    return s;
}

void summary_free(struct summary **summary)
{
    if (!*summary)
        return;
    for (size_t i = 0; i < COUNTED; i++)
        top_free(&(*summary)->tops[i]);
    free(*summary);
    *summary = NULL;
}

/* Counts a text field that is known. */
static int count_text(struct summary *s, enum counted what, const struct row *row, const char *key)
{
    struct unpack value = row_value(row, key);
    if (unpack_type(&value) == UNPACK_NONE)
        return 0;
    struct slice text = unpack_str(&value);
    if (!value.error && text.length)
        top_add(s->tops[what], text.bytes, text.length);
    return value.error;
}

/* Values are told apart by their bytes. */
static int count_values(struct summary *s, const struct row *row)
{
    struct unpack list = row_value(row, "stun_values");
    if (unpack_type(&list) == UNPACK_NONE)
        return 0;
    uint32_t count = unpack_array(&list);
    for (uint32_t i = 0; i < count && !list.error; i++) {
        struct slice value = unpack_raw(&list);
        if (!list.error)
            top_add(s->tops[STUN_VALUES], value.bytes, value.length);
    }
    return list.error;
}

static int count_identifiers(struct summary *s, const struct row *row)
{
    static const struct {
        const char *key;
        enum counted what;
    } identifiers[] = {
        {"bit_peer_id_1", BIT_PEERS},      {"bit_peer_id_2", BIT_PEERS},
        {"xunlei_id_1", XUNLEI_IDS},       {"xunlei_id_2", XUNLEI_IDS},
        {"toutiao_value", TOUTIAO_VALUES},
    };
    int error = count_values(s, row);
    for (size_t i = 0; i < sizeof identifiers / sizeof identifiers[0] && !error; i++)
        error = count_text(s, identifiers[i].what, row, identifiers[i].key);
    return error;
}

int summary_flow(struct summary *s, const struct figures *figures, const struct row *row,
                 bool printed)
{
    if (!s->begun || figures->start_ns < s->start_ns)
        s->start_ns = figures->start_ns;
    if (!s->begun || figures->end_ns > s->end_ns)
        s->end_ns = figures->end_ns;
    s->begun = true;
    struct unpack protocol = row_value(row, "protocol_type");
    const char *plain = !printed ? "dns" : figures->transport == TRANSPORT_TCP ? "tcp" : "udp";
    if (unpack_type(&protocol) == UNPACK_NONE)
        top_add(s->tops[PROTOCOLS], plain, strlen(plain));
    int error = count_text(s, PROTOCOLS, row, "protocol_type");
    return error || !row->known ? error : count_identifiers(s, row);
}

/* A header's value, or the first of its values. */
static struct slice first_value(struct unpack *from)
{
    if (unpack_type(from) == UNPACK_ARRAY && unpack_array_of(from, 1) == 0)
        return (struct slice){0};
    return unpack_str(from);
}

int summary_http(struct summary *s, const struct row *row)
{
    static const char host[] = "host";
    struct unpack headers = row_value(row, "req_headers");
    if (unpack_type(&headers) == UNPACK_NONE)
        return 0;
    uint32_t count = unpack_array(&headers);
    for (uint32_t i = 0; i < count && !headers.error; i++) {
        struct slice pair = unpack_raw(&headers);
        struct unpack header = unpack_over(pair.bytes, pair.length);
        unpack_array_of(&header, 2);
        struct slice name = unpack_str(&header);
        if (header.error)
            return header.error;
        if (name.length != sizeof host - 1 || memcmp(name.bytes, host, name.length) != 0)
            continue;
        struct slice value = first_value(&header);
        if (value.length)
            top_add(s->tops[HOSTS], value.bytes, value.length);
        return header.error;
    }
    return headers.error;
}

int summary_sni(struct summary *s, const struct row *row)
{
    return count_text(s, NAMES, row, "sni_domain");
}

static void pack_number(struct buffer *to, const char *key, uint64_t value)
{
    pack_str(to, key);
    pack_uint(to, value);
}

static void pack_moment(struct buffer *to, const char *key, const struct summary *s,
                        int64_t time_ns, struct stamp *stamp)
{
    char text[STAMP_LENGTH];
    pack_str(to, key);
    if (!s->begun) {
        pack_nil(to);
        return;
    }
    stamp_write(stamp, time_ns, text);
    pack_text(to, text, sizeof text);
}

static void pack_list(struct buffer *to, const char *key, struct top *top)
{
    size_t count;
    const struct top_item *items = top_items(top, &count);
    if (count > LISTED)
        count = LISTED;
    pack_str(to, key);
    pack_array(to, count);
    for (size_t i = 0; i < count; i++) {
        pack_array(to, 2);
        pack_text(to, items[i].text, items[i].length);
        pack_uint(to, items[i].count);
    }
}

static void pack_distinct(struct buffer *to, const char *key, const struct top *top)
{
    bool exact;
    uint64_t distinct = top_distinct(top, &exact);
    if (exact) {
        pack_number(to, key, distinct);
        return;
    }
    char text[40];
    snprintf(text, sizeof text, "at least %llu", (unsigned long long)distinct);
    pack_str(to, key);
    pack_str(to, text);
}

static void pack_platform(struct summary *s, uint64_t xycdn_keys, struct buffer *to)
{
    pack_str(to, "platform");
    pack_map(to, 5);
    pack_distinct(to, "bit_peers", s->tops[BIT_PEERS]);
    pack_distinct(to, "xunlei_ids", s->tops[XUNLEI_IDS]);
    pack_distinct(to, "toutiao_values", s->tops[TOUTIAO_VALUES]);
    pack_distinct(to, "stun_values", s->tops[STUN_VALUES]);
    pack_number(to, "xycdn_keys", xycdn_keys);
}

void summary_pack(struct summary *s, const struct ledger *ledger,
                  const uint64_t written[RECORD_FILES], uint64_t certificates, struct stamp *stamp,
                  struct buffer *to)
{
    pack_map(to, 13);
    pack_number(to, "packets", ledger_packets(ledger));
    pack_number(to, "filtered_out", ledger_filtered_out(ledger));
    pack_number(to, "bytes",
                ledger_total(ledger, "tcp_packets_len") + ledger_total(ledger, "udp_packets_len"));
    pack_moment(to, "start", s, s->start_ns, stamp);
    pack_moment(to, "end", s, s->end_ns, stamp);
    pack_str(to, "tcp");
    pack_map(to, 2);
    pack_number(to, "complete", written[FILE_SAVE_CON]);
    pack_number(to, "incomplete", written[FILE_TMP_CON]);
    pack_number(to, "udp", written[FILE_UDP_CON]);
    pack_list(to, "protocols", s->tops[PROTOCOLS]);
    pack_str(to, "http");
    pack_map(to, 3);
    pack_number(to, "complete", written[FILE_SAVE_HTTP]);
    pack_number(to, "incomplete", written[FILE_TMP_HTTP]);
    pack_list(to, "hosts", s->tops[HOSTS]);
    pack_str(to, "tls");
    pack_map(to, 2);
    pack_list(to, "names", s->tops[NAMES]);
    pack_number(to, "certificates", certificates);
    pack_str(to, "dns");
    pack_map(to, 1);
    pack_number(to, "responses", written[FILE_DNS]);
    pack_platform(s, written[FILE_XYCDN], to);
    pack_number(to, "degraded", ledger_counter(ledger, "degraded"));
}
