#include "stages/tracker/totals.h"

#include "common/wire/pack.h"

void totals_count(struct totals *totals, const struct packet *packet, uint32_t captured)
{
    totals->packets[packet->kind]++;
    totals->frame_bytes[packet->kind] += captured;
    totals->payload_bytes[packet->kind] += packet->payload.length;
}

void totals_pack(struct buffer *to, const struct totals *t)
{
    uint64_t all = 0;
    for (int kind = 0; kind < PACKET_KINDS; kind++)
        all += t->packets[kind];
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {
        {"noip_packets", t->packets[PACKET_NOIP]},
        {"packets_count", all},
        {"tcp_packets", t->packets[PACKET_TCP]},
        {"tcp_packets_len", t->frame_bytes[PACKET_TCP]},
        {"tcp_payload_len", t->payload_bytes[PACKET_TCP]},
        {"udp_packets", t->packets[PACKET_UDP]},
        {"udp_packets_len", t->frame_bytes[PACKET_UDP]},
        {"udp_payload_len", t->payload_bytes[PACKET_UDP]},
        {"icmp_packets", t->packets[PACKET_ICMP]},
        {"other_ip_protocol_packets", t->packets[PACKET_OTHER]},
    };
    pack_map(to, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pack_str(to, rows[i].key);
        pack_uint(to, rows[i].value);
    }
}
