#include "stages/extractor/tls_report.h"

#include <errno.h>

#include "common/base/cursor.h"
#include "common/wire/pack.h"
#include "stages/extractor/certificate_cache.h"
#include "stages/extractor/client_hello.h"

int tls_report_hello(struct conversation *c, const struct client_hello *hello,
                     const struct tls_message *m, int sender, bool over_quic)
{
    const struct slice *name = &hello->server_name;
    int server = !sender;
    if (name->length == 0)
        return 0;
    struct buffer *map = conversation_room(c, ROOM_RECORD);
    char ip_port[IP_PORT_TEXT], address[ADDRESS_TEXT];
    pack_map(map, over_quic ? 5 : 4);
    pack_str(map, "ip_port");
    pack_str(map, conversation_ip_port(c, FROM_INITIATOR, ip_port));
    pack_str(map, "sni_domain");
    pack_text(map, name->bytes, name->length);
    pack_str(map, "sni_ip");
    pack_str(map, address_text(&conversation_open(c)->address[server], address));
    pack_str(map, "timestamp");
    pack_time(map, m->time_ns);
    if (over_quic) {
        pack_str(map, "transport");
        pack_str(map, "quic");
    }
    int error = conversation_record(c, TAPLINE_RECORD_SNI, m->time_ns, m->packet, map);
    if (error)
        return error;
    return conversation_note_sni(c, name->bytes, name->length, server, m->time_ns);
}

/* The next certificate of the list; of length 0 where there is none, or it breaks off. */
static struct slice next_certificate(struct cursor *list)
{
    if (cursor_left(list) == 0)
        return (struct slice){NULL, 0};
    size_t length = cursor_u24(list);
    const uint8_t *der = cursor_take(list, length);
    return (struct slice){der, der ? length : 0};
}

/* The flow's note names the leaf's first domain. */
static int note_first(struct conversation *c, struct slice domains, const struct tls_message *m,
                      int sender)
{
    struct unpack list = unpack_over(domains.bytes, domains.length);
    if (unpack_array(&list) == 0)
        return 0;
    struct slice first = unpack_str(&list);
    return conversation_note_domain(c, first.bytes, first.length, sender, m->time_ns);
}

static int leaf_pack(struct conversation *c, struct buffer *map, struct slice leaf,
                     const struct tls_message *m, int sender)
{
    struct certificate_words words;
    int error = certificate_cache_read(conversation_certificates(c), leaf, &words);
    if (error)
        return error;
    pack_str(map, "sha256_fingerprint");
    pack_str(map, words.fingerprint);
    pack_str(map, "domains");
    buffer_append(map, words.domains.bytes, words.domains.length);
    return note_first(c, words.domains, m, sender);
}

/* Returns how many certificates the limit left out. */
static uint64_t chain_pack(struct buffer *map, struct slice leaf, struct cursor *list,
                           uint64_t limit)
{
    uint64_t count = 0;
    pack_str(map, "chain");
    size_t place = pack_array_open(map);
    for (struct slice next = leaf; next.length > 0; next = next_certificate(list))
        if (count++ < limit)
            pack_bin(map, next.bytes, next.length);
    uint64_t kept = count < limit ? count : limit;
    pack_array_close(map, place, (uint32_t)kept);
    return count - kept;
}

static int certificates_report(struct conversation *c, struct slice leaf, struct cursor *list,
                               const struct tls_message *m, int sender)
{
    if (leaf.length == 0)
        return 0;
    struct buffer *map = conversation_room(c, ROOM_RECORD);
    char ip_port[IP_PORT_TEXT];
    pack_map(map, 5);
    pack_str(map, "ip_port");
    pack_str(map, conversation_ip_port(c, FROM_INITIATOR, ip_port));
    int error = leaf_pack(c, map, leaf, m, sender);
    if (!error) {
        pack_str(map, "timestamp");
        pack_time(map, m->time_ns);
        conversation_cost(c, COST_CHAIN,
                          chain_pack(map, leaf, list, conversation_limits(c)->chain));
        error = conversation_record(c, TAPLINE_RECORD_CERT, m->time_ns, m->packet, map);
    }
    return error;
}

int tls_report_certificates(struct conversation *c, const struct tls_message *m, int sender)
{
    struct cursor in = cursor_over(m->body, m->length);
    size_t listed = cursor_u24(&in);
    struct cursor list = cursor_slice(&in, listed < cursor_left(&in) ? listed : cursor_left(&in));
    struct slice leaf = next_certificate(&list);
    return certificates_report(c, leaf, &list, m, sender);
}

int tls_report_ssl2_server(struct conversation *c, const struct tls_message *m, int sender)
{
    struct cursor in = cursor_over(m->body, m->length), none = cursor_over(NULL, 0);
    cursor_skip(&in, sizeof(uint16_t)); /* version */
    size_t length = cursor_u16(&in);
    cursor_skip(&in, 2 * sizeof(uint16_t)); /* lengths of the cipher specs and connection id */
    const uint8_t *der = cursor_take(&in, length);
    return certificates_report(c, (struct slice){der, der ? length : 0}, &none, m, sender);
}
