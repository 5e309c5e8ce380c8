/*
 * Makes the captures that `make bench` measures on, from the project's own captures: the same
 * bytes in every run.
 *
 *     workloads mix|bulk|peers|scan|open OUT SCALE CAPTURE...
 *
 * mix    all frames of the captures again and again, twenty copies interleaved, each copy with
 *        addresses of its own
 * bulk   a hundred large transfers, half of them HTTP and half TLS, half down and half up
 * peers  UDP of 200,000 addresses: the small datagrams of the captures' conversations
 * scan   a million flows of one SYN each
 * open   a million TCP connections (times SCALE), all open to the end; four million frames in all,
 *        whatever the scale
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/decode.h"
#include "common/net/link.h"
#include "tests/bench/capture_writer.h"
#include "tests/bench/samples.h"
#include "tests/bench/segments.h"

enum { MIX_FRAMES = 3600000, MIX_INTERLEAVED = 20, IPV4_ADDRESSES = 12, IPV6_ADDRESSES = 8 };
enum { PEERS = 200000, PEER_FRAMES = 5000000, SMALL_DATAGRAM = 400, PEER_INTERLEAVED = 5000 };
enum { SCAN_FLOWS = 1000000 };
enum { OPEN_FLOWS = 1000000, OPEN_FRAMES = 4000000, OPEN_PAYLOAD = 200 };
enum { TRANSFERS = 100, TRANSFER_BYTES = 40000000, TRANSFER_BURST = 8, TLS_RECORD = 16384 };

/* ---- mix ------------------------------------------------------------------------------------ */

/* The copy's number goes into the second and third byte of IPv4 addresses, and the like of IPv6. */
static void move_addresses(uint8_t *frame, uint32_t length, uint32_t copy)
{
    uint32_t at = 12;
    while (at + 18 < length && frame[at] == 0x81 && frame[at + 1] == 0)
        at += 4;
    if (at + 42 > length)
        return;
    bool six = frame[at] == 0x86 && frame[at + 1] == 0xdd;
    if (!six && (frame[at] != 8 || frame[at + 1] != 0))
        return;
    uint8_t *ip = frame + at + 2;
    for (int side = 0; side < 2; side++) {
        uint8_t *address = six ? ip + IPV6_ADDRESSES + 16 * side : ip + IPV4_ADDRESSES + 4 * side;
        address[1] = (uint8_t)(address[1] + copy);
        address[2] = (uint8_t)(address[2] + (copy >> 8));
    }
}

static void make_mix(struct capture_writer *out, const struct samples *samples, double scale)
{
    uint64_t wanted = (uint64_t)(MIX_FRAMES * scale);
    uint64_t fit = wanted / samples->count; /* a small mix has fewer copies, not parts of them */
    uint32_t copies = fit < 1 ? 1 : fit < MIX_INTERLEAVED ? (uint32_t)fit : MIX_INTERLEAVED;
    int64_t span_us = samples->list[samples->count - 1].time_ns / 1000 + 1000000;
    uint8_t *frame = samples_room(NULL, 1 << 18);
    for (uint32_t round = 0; out->frames < wanted; round++)
        for (size_t i = 0; i < samples->count; i++)
            for (uint32_t copy = 0; copy < copies; copy++) {
                const struct sample *s = &samples->list[i];
                memcpy(frame, s->bytes, s->length);
                move_addresses(frame, s->length, round * copies + copy);
                capture_writer_frame(out, round * span_us + s->time_ns / 1000, frame, s->length,
                                     s->wire_length);
            }
    free(frame);
}

/* ---- conversations of the samples ----------------------------------------------------------- */

/* One payload of a conversation, as it stands in a sample. */
struct said {
    const uint8_t *bytes;
    uint32_t length;
    bool answer; /* by the other side than the first */
    uint32_t conversation;
    size_t place;
};

static uint32_t conversation_of(const struct packet *p, uint32_t capture)
{
    uint32_t ports = (uint32_t)p->source_port * p->destination_port;
    return address_pair_hash(p) ^ (ports * 2654435761u) ^ (capture << 20);
}

static int by_conversation(const void *left, const void *right)
{
    const struct said *a = left, *b = right;
    if (a->conversation != b->conversation)
        return a->conversation < b->conversation ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* All payloads of a kind up to a length, conversation by conversation. */
static struct said *conversations(const struct samples *samples, enum packet_kind kind,
                                  uint32_t longest, size_t *count)
{
    struct said *list = samples_room(NULL, (samples->count + 1) * sizeof *list);
    *count = 0;
    for (size_t i = 0; i < samples->count; i++) {
        const struct sample *s = &samples->list[i];
        struct packet p;
        packet_decode(&p, LINK_ETHERNET, s->bytes, s->length, s->wire_length);
        if (!p.sound || p.kind != kind || !p.payload.captured || p.payload.captured > longest)
            continue;
        list[(*count)++] =
            (struct said){p.payload.bytes, p.payload.captured, p.source_port < p.destination_port,
                          conversation_of(&p, s->capture), i};
    }
    qsort(list, *count, sizeof *list, by_conversation);
    return list;
}

/* ---- peers ---------------------------------------------------------------------------------- */

static void make_peers(struct capture_writer *out, const struct samples *samples, double scale)
{
    size_t count;
    struct said *said = conversations(samples, PACKET_UDP, SMALL_DATAGRAM, &count);
    size_t *starts = samples_room(NULL, (count + 1) * sizeof *starts);
    size_t kinds = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || said[i].conversation != said[i - 1].conversation)
            starts[kinds++] = i;
    starts[kinds] = count;
    uint32_t peers = (uint32_t)(PEERS * scale), each = PEER_FRAMES / PEERS;
    uint8_t frame[SEGMENT_MOST];
    for (uint32_t first = 0; first < peers; first += PEER_INTERLEAVED)
        for (uint32_t n = 0; n < each; n++)
            for (uint32_t peer = first; peer < first + PEER_INTERLEAVED && peer < peers; peer++) {
                size_t kind = peer % kinds;
                const struct said *s = &said[starts[kind] + n % (starts[kind + 1] - starts[kind])];
                struct endpoint near = {0x0a000001, 3478};
                struct endpoint far = {0x64000000 + peer, (uint16_t)(20000 + peer % 30000)};
                uint32_t length = segment_udp(frame, s->answer ? near : far, s->answer ? far : near,
                                              s->bytes, s->length);
                capture_writer_frame(out, (int64_t)out->frames * 20, frame, length, length);
            }
    free(starts);
    free(said);
}

/* ---- scan ----------------------------------------------------------------------------------- */

static void make_scan(struct capture_writer *out, double scale)
{
    uint8_t frame[SEGMENT_MOST];
    uint32_t flows = (uint32_t)(SCAN_FLOWS * scale);
    for (uint32_t i = 0; i < flows; i++) {
        struct endpoint from = {0xc6336401, (uint16_t)(40000 + i % 20000)};
        struct endpoint to = {0x0a000000 + i, (uint16_t)(i % 3 ? 443 : 23)};
        uint32_t length = segment_tcp(frame, from, to, i * 2654435761u, 0, FLAG_SYN, NULL, 0);
        capture_writer_frame(out, (int64_t)i * 30, frame, length, length);
    }
}

/* ---- open ----------------------------------------------------------------------------------- */

/* One frame of connection `flow`, its turn `n`: the handshake, then request and answer in turns,
 * of bytes that no protocol begins with. */
static uint32_t open_frame(uint8_t *frame, uint32_t flow, uint32_t n)
{
    uint8_t payload[OPEN_PAYLOAD];
    memset(payload, 0xee, sizeof payload);
    struct endpoint near = {0x0a000000 + flow, (uint16_t)(20000 + flow % 40000)};
    struct endpoint far = {0xc6336401, 9000};
    bool back = n % 2;
    uint8_t flags = n == 0 ? FLAG_SYN : n == 1 ? FLAG_SYN | FLAG_ACK : FLAG_ACK;
    uint32_t length = n < 2 ? 0 : OPEN_PAYLOAD, said = n < 2 ? 0 : 1 + (n - 2) / 2 * OPEN_PAYLOAD;
    uint32_t heard = n == 0 ? 0 : 1 + (n - 1) / 2 * OPEN_PAYLOAD;
    return segment_tcp(frame, back ? far : near, back ? near : far, said, heard, flags, payload,
                       length);
}

static void make_open(struct capture_writer *out, double scale)
{
    uint8_t frame[SEGMENT_MOST];
    uint32_t flows = (uint32_t)(OPEN_FLOWS * scale);
    for (uint64_t i = 0; i < OPEN_FRAMES && flows; i++) {
        uint32_t length = open_frame(frame, (uint32_t)(i % flows), (uint32_t)(i / flows));
        capture_writer_frame(out, (int64_t)i * 5, frame, length, length);
    }
}

/* ---- bulk ----------------------------------------------------------------------------------- */

struct transfer {
    struct endpoint side[2]; /* client, server */
    uint32_t seq[2];
    int sender; /* whose bytes these are: 1 of a download, 0 of an upload */
    bool tls;
    uint64_t left;
    uint64_t record_left; /* of a TLS record */
};

static void say(struct capture_writer *out, struct transfer *t, int from, uint8_t flags,
                const void *payload, uint32_t length)
{
    uint8_t frame[SEGMENT_MOST];
    uint32_t size = segment_tcp(frame, t->side[from], t->side[!from], t->seq[from], t->seq[!from],
                                flags, payload, length);
    capture_writer_frame(out, (int64_t)out->frames * 2, frame, size, size);
    t->seq[from] += length + (flags & (FLAG_SYN | FLAG_FIN) ? 1 : 0);
}

static void say_text(struct capture_writer *out, struct transfer *t, int from, const char *text)
{
    say(out, t, from, FLAG_ACK, text, (uint32_t)strlen(text));
}

static void begin_http(struct capture_writer *out, struct transfer *t, uint32_t index)
{
    char text[256];
    unsigned long long length = t->left;
    if (t->sender == 1) {
        snprintf(text, sizeof text, "GET /film-%u.ts HTTP/1.1\r\nHost: cdn.example\r\n\r\n", index);
        say_text(out, t, 0, text);
        snprintf(text, sizeof text,
                 "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nContent-Length: %llu\r\n\r\n",
                 length);
        say_text(out, t, 1, text);
    } else {
        snprintf(text, sizeof text,
                 "PUT /backup-%u HTTP/1.1\r\nHost: cdn.example\r\nContent-Length: %llu\r\n\r\n",
                 index, length);
        say_text(out, t, 0, text);
    }
}

/* The handshake is one of the captures': the payloads of the first conversation that begins with
 * a ClientHello and has a ServerHello, up to the first application data. */
static void begin_tls(struct capture_writer *out, struct transfer *t, const struct said *said,
                      size_t count)
{
    size_t at = 0;
    while (at + 1 < count &&
           !(said[at].bytes[0] == 22 && said[at].length > 5 && said[at].bytes[5] == 1 &&
             said[at + 1].conversation == said[at].conversation && said[at + 1].bytes[0] == 22 &&
             said[at + 1].length > 5 && said[at + 1].bytes[5] == 2))
        at++;
    bool first = said[at].answer;
    for (size_t i = at; i < count && said[i].conversation == said[at].conversation; i++) {
        if (said[i].bytes[0] == 23)
            break;
        say(out, t, said[i].answer != first, FLAG_ACK, said[i].bytes, said[i].length);
    }
}

static void go_on(struct capture_writer *out, struct transfer *t)
{
    static uint8_t payload[SEGMENT_PAYLOAD];
    for (int i = 0; i < TRANSFER_BURST && t->left; i++) {
        uint32_t length = t->left < SEGMENT_PAYLOAD ? (uint32_t)t->left : SEGMENT_PAYLOAD;
        for (uint32_t at = 0; at < length; at += 8)
            payload[at] = (uint8_t)(t->left >> (at & 31));
        uint32_t at = 0;
        while (t->tls && at < length) {
            if (!t->record_left) {
                const uint8_t head[] = {23, 3, 3, TLS_RECORD >> 8, TLS_RECORD & 255};
                if (length - at < sizeof head)
                    break;
                memcpy(payload + at, head, sizeof head);
                t->record_left = TLS_RECORD + sizeof head;
            }
            uint32_t step = t->record_left < length - at ? (uint32_t)t->record_left : length - at;
            t->record_left -= step;
            at += step;
        }
        if (t->tls)
            length = at;
        t->left -= t->left < length ? t->left : length;
        if (!length)
            t->left = 0;
        say(out, t, t->sender, FLAG_ACK, payload, length);
        if (i % 2)
            say(out, t, !t->sender, FLAG_ACK, NULL, 0);
    }
}

static void make_bulk(struct capture_writer *out, const struct samples *samples, double scale)
{
    struct transfer transfers[TRANSFERS];
    size_t count, open = TRANSFERS;
    struct said *said = conversations(samples, PACKET_TCP, SEGMENT_PAYLOAD, &count);
    for (uint32_t i = 0; i < TRANSFERS; i++) {
        struct transfer *t = &transfers[i];
        *t = (struct transfer){
            .side = {{0x0a010000 + i, (uint16_t)(50000 + i)}, {0xc0000200 + i, i % 2 ? 443 : 80}},
            .seq = {i * 40503, i * 60493},
            .sender = i % 4 < 2,
            .tls = i % 2,
            .left = (uint64_t)(TRANSFER_BYTES * scale)};
        say(out, t, 0, FLAG_SYN, NULL, 0);
        say(out, t, 1, FLAG_SYN | FLAG_ACK, NULL, 0);
        say(out, t, 0, FLAG_ACK, NULL, 0);
        if (t->tls)
            begin_tls(out, t, said, count);
        else
            begin_http(out, t, i);
    }
    while (open) {
        open = 0;
        for (uint32_t i = 0; i < TRANSFERS; i++) {
            go_on(out, &transfers[i]);
            open += transfers[i].left > 0;
        }
    }
    for (uint32_t i = 0; i < TRANSFERS; i++) {
        if (!transfers[i].tls && transfers[i].sender == 0)
            say_text(out, &transfers[i], 1, "HTTP/1.1 204 No Content\r\n\r\n");
        say(out, &transfers[i], 0, FLAG_FIN | FLAG_ACK, NULL, 0);
        say(out, &transfers[i], 1, FLAG_FIN | FLAG_ACK, NULL, 0);
    }
    free(said);
}

int main(int argc, char **argv)
{
    double scale = argc > 3 ? strtod(argv[3], NULL) : 0;
    if (argc < 5 || scale <= 0) {
        fputs("usage: workloads mix|bulk|peers|scan|open OUT SCALE CAPTURE...\n", stderr);
        return 2;
    }
    struct samples samples = samples_read(argv + 4, (size_t)argc - 4);
    struct capture_writer out = capture_writer_open(argv[2]);
    if (strcmp(argv[1], "mix") == 0)
        make_mix(&out, &samples, scale);
    else if (strcmp(argv[1], "bulk") == 0)
        make_bulk(&out, &samples, scale);
    else if (strcmp(argv[1], "peers") == 0)
        make_peers(&out, &samples, scale);
    else if (strcmp(argv[1], "open") == 0)
        make_open(&out, scale);
    else
        make_scan(&out, scale);
    capture_writer_close(&out);
    for (size_t i = 0; i < samples.count; i++)
        free(samples.list[i].bytes);
    free(samples.list);
    printf("%s: %llu frames, %llu bytes\n", argv[2], (unsigned long long)out.frames,
           (unsigned long long)out.bytes);
    return 0;
}
