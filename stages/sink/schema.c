#include "stages/sink/schema.h"

#include <assert.h>

#define FIELD(name, kind, unknown)                                                                \
    {name, sizeof(name) - 1, kind, (const uint8_t *)(unknown), sizeof(unknown) - 1}

/* What stands for a value that nobody learned, as msgpack. */
#define NIL "\xc0"
#define ZERO "\x00"
#define NO_TEXT "\xa0"
#define NO_ITEMS "\x90"

#define FIGURE(name, kind) FIELD(name, kind, NIL)
#define TEXT(name) FIELD(name, FIELD_TEXT, NO_TEXT)
#define TIME(name) FIELD(name, FIELD_TIME, NIL)
#define INT(name) FIELD(name, FIELD_INT, ZERO)
#define LIST(name) FIELD(name, FIELD_LIST, NO_ITEMS)
#define UNPRINTED(name) FIELD(name, FIELD_UNPRINTED, NIL)

#define SPAN                                                                                      \
    FIGURE("ip_port", FIELD_IP_PORT), FIGURE("start_timestamp", FIELD_START),                     \
        FIGURE("end_timestamp", FIELD_END)
#define DIRECTED_COUNTS                                                                           \
    FIGURE("src_dst_packet_count", FIELD_PACKETS_FORTH),                                          \
        FIGURE("dst_src_packet_count", FIELD_PACKETS_BACK),                                       \
        FIGURE("src_dst_byte_count", FIELD_BYTES_FORTH),                                          \
        FIGURE("dst_src_byte_count", FIELD_BYTES_BACK)
#define COUNTS                                                                                    \
    FIGURE("packet_count", FIELD_PACKETS), FIGURE("byte_count", FIELD_BYTES), DIRECTED_COUNTS
#define PAIR(name) TEXT(name "_ip_1"), TEXT(name "_id_1"), TEXT(name "_ip_2"), TEXT(name "_id_2")

/* What is null in a message of which nothing was seen. */
#define UNSEEN(name, kind) FIELD(name, kind, NIL)

static const struct field TCP[] = {
    SPAN,
    COUNTS,
    FIELD("protocol_type", FIELD_TEXT, "\xa3" "tcp"),
    TIME("http_req_time"),
    TEXT("https_SNI"),
    TEXT("https_SNI_ip"),
    TIME("https_SNI_time"),
    TEXT("https_Cert_domain"),
    TEXT("https_Cert_ip"),
    TIME("https_Cert_time"),
    PAIR("bit_peer"),
    PAIR("xunlei"),
    FIGURE("syn_flag", FIELD_SYN),
    FIGURE("fin_flag", FIELD_FIN),
    FIGURE("rst_flag", FIELD_RST),
    FIGURE("rtt/ms", FIELD_RTT_MS),
};

static const struct field UDP[] = {
    SPAN,
    COUNTS,
    FIELD("protocol_type", FIELD_TEXT, "\xa3" "udp"),
    PAIR("bit_peer"),
    TEXT("toutiao_ip"),
    TEXT("toutiao_value"),
    INT("toutiao_location"),
    PAIR("xunlei"),
    LIST("stun_values"),
    UNPRINTED("dns_only"),
};

static const struct field HTTP[] = {
    SPAN,
    UNSEEN("req_time", FIELD_TIME),
    DIRECTED_COUNTS,
    UNSEEN("req_method", FIELD_TEXT),
    UNSEEN("req_uri", FIELD_TEXT),
    UNSEEN("req_need_length", FIELD_INT),
    UNSEEN("req_headers", FIELD_LIST),
    UNSEEN("req_body", FIELD_TEXT),
    TEXT("req_data"),
    UNSEEN("res_time", FIELD_TIME),
    UNSEEN("res_status", FIELD_TEXT),
    UNSEEN("res_reason", FIELD_TEXT),
    UNSEEN("res_need_length", FIELD_INT),
    UNSEEN("res_headers", FIELD_LIST),
    UNSEEN("res_body", FIELD_TEXT),
    TEXT("res_data"),
    UNPRINTED("requester"),
    UNPRINTED("complete"),
};

static const struct field SNI[] = {
    TEXT("sni_domain"),
    TEXT("sni_ip"),
    TIME("timestamp"),
    UNPRINTED("ip_port"),
};

static const struct field CERT[] = {
    TEXT("sha256_fingerprint"),
    LIST("domains"),
    TIME("timestamp"),
    UNPRINTED("ip_port"),
    UNPRINTED("chain"),
};

static const struct field DNS[] = {
    LIST("dns_domain"),
    LIST("dns_ip"),
    TIME("timestamp"),
    UNPRINTED("ip_port"),
};

static const struct field XYCDN[] = {
    UNPRINTED("keys"),
};

#define SCHEMA(fields) {fields, sizeof(fields) / sizeof((fields)[0])}

const struct schema SCHEMA_TCP = SCHEMA(TCP), SCHEMA_UDP = SCHEMA(UDP), SCHEMA_HTTP = SCHEMA(HTTP),
                    SCHEMA_SNI = SCHEMA(SNI), SCHEMA_CERT = SCHEMA(CERT), SCHEMA_DNS = SCHEMA(DNS),
                    SCHEMA_XYCDN = SCHEMA(XYCDN);

static_assert(sizeof TCP / sizeof TCP[0] <= MAX_FIELDS, "the widest schema fits");
