#include "stages/sink/view.h"

#include "common/wire/pack.h"

struct view view_of(const struct figures *f, uint64_t first, char text[IP_PORT_TEXT])
{
    uint64_t other = !first;
    ip_port_text(&f->address[0], f->port[0], &f->address[1], f->port[1], text);
    return (struct view){
        .flow = {(const uint8_t *)text, strlen(text)},
        .first = first,
        .start_ns = f->start_ns,
        .end_ns = f->end_ns,
        .packets = {f->packets[first], f->packets[other]},
        .bytes = {f->bytes[first], f->bytes[other]},
        .syn = f->syn,
        .fin = f->fin,
        .rst = f->rst,
        .rtt_ns = f->rtt_ns,
    };
}

/* A flow's end is near its start, and its number is the shorter for being counted from there:
 * modulo 2^64, as both come from outside. */
void view_store(const struct view *view, struct buffer *to)
{
    pack_uint(to, view->first);
    pack_int(to, view->start_ns);
    pack_uint(to, (uint64_t)view->end_ns - (uint64_t)view->start_ns);
    for (int side = 0; side < DIRECTIONS; side++) {
        pack_uint(to, view->packets[side]);
        pack_uint(to, view->bytes[side]);
    }
    pack_uint(to, view->syn);
    pack_uint(to, view->fin);
    pack_uint(to, view->rst);
    pack_int(to, view->rtt_ns);
}

struct view view_load(struct unpack *from, struct slice flow)
{
    struct view view = {.flow = flow};
    view.first = unpack_uint(from);
    view.start_ns = unpack_int(from);
    view.end_ns = (int64_t)((uint64_t)view.start_ns + unpack_uint(from));
    for (int side = 0; side < DIRECTIONS; side++) {
        view.packets[side] = unpack_uint(from);
        view.bytes[side] = unpack_uint(from);
    }
    view.syn = unpack_uint(from);
    view.fin = unpack_uint(from);
    view.rst = unpack_uint(from);
    view.rtt_ns = unpack_int(from);
    return view;
}

/* "src-sport-dst-dport" turned round at its second hyphen; no address has one. */
struct slice view_ip_port(const struct view *view, char text[IP_PORT_TEXT])
{
    struct slice flow = view->flow;
    if (view->first == FROM_INITIATOR)
        return flow;
    size_t hyphens = 0, at = 0;
    while (at < flow.length && (hyphens += flow.bytes[at] == '-') < 2)
        at++;
    size_t rest = flow.length - at - 1;
    memcpy(text, flow.bytes + at + 1, rest);
    text[rest] = '-';
    memcpy(text + rest + 1, flow.bytes, at);
    return (struct slice){(const uint8_t *)text, flow.length};
}

uint64_t view_count(const struct view *view, enum field_kind kind)
{
    switch (kind) {
    case FIELD_PACKETS: return view->packets[0] + view->packets[1];
    case FIELD_BYTES: return view->bytes[0] + view->bytes[1];
    case FIELD_PACKETS_FORTH: return view->packets[0];
    case FIELD_PACKETS_BACK: return view->packets[1];
    case FIELD_BYTES_FORTH: return view->bytes[0];
    case FIELD_BYTES_BACK: return view->bytes[1];
    case FIELD_SYN: return view->syn;
    case FIELD_FIN: return view->fin;
    default: return view->rst;
    }
}

double view_rtt_ms(const struct view *view)
{
    return (double)view->rtt_ns / 1e6;
}
