#include "common/recognise/dns_message.h"

#include "common/base/big_endian.h"
#include "common/base/cursor.h"

enum {
    HEADER = 12,
    FLAG_RESPONSE = 0x8000,
    FLAGS_OPCODE = 0x7800, /* 0: a query, or the response to one (multicast DNS has no other) */
    OPCODE_NOTIFY = 4,
    OPCODE_UPDATE = 5,
    TYPE_NETBIOS = 32, /* NIMLOC's number, */
    TYPE_NBSTAT = 33,  /* and SRV's: only the name's form tells them apart */
    TYPE_OPT = 41,
    CLASS_UNICAST_BIT = 0x8000, /* RFC 6762: also the cache-flush bit */
    NETBIOS_LABEL = 32,
    NAME_MOST = 255,
    LABEL_MOST = 63,
    POINTER = 0xc0,
};

/* A walk over one message. */
struct walk {
    struct cursor at;
    const uint8_t *bytes;
    size_t missing; /* bytes behind the captured ones */
    bool hint;      /* a port says DNS: less is asked of the content */
    bool broken;    /* no DNS, whatever else it holds */
};

/* NetBIOS names are one label of 32 letters from A to P (RFC 1001, section 14). */
static bool is_netbios_label(const uint8_t *label, size_t length)
{
    if (length != NETBIOS_LABEL)
        return false;
    for (size_t i = 0; i < length; i++)
        if (label[i] < 'A' || label[i] > 'P')
            return false;
    return true;
}

static bool is_plain(const uint8_t *label, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (label[i] <= ' ' || label[i] >= 0x7f)
            return false;
    return true;
}

struct name {
    size_t length; /* of its wire form, without what a pointer leads to */
    bool netbios;
};

/* Steps over a name. A pointer must lead to an earlier place behind the header, and ends the
 * name: where it leads was walked before, so that nothing is followed and nothing can loop. */
static struct name walk_name(struct walk *w)
{
    struct name name = {0, false};
    struct cursor c = w->at; /* a copy, as what may be written through cannot stay in registers */
    const uint8_t *start = c.at;
    for (;;) {
        uint8_t length = cursor_u8(&c);
        name.length += 1 + (size_t)length;
        if (c.bad || length == 0)
            break;
        if (length >= POINTER) {
            size_t to = (size_t)(length & ~POINTER) << 8 | cursor_u8(&c);
            name.length = (size_t)(c.at - start);
            w->broken = !c.bad && (to < HEADER || to >= (size_t)(start - w->bytes));
            break;
        }
        const uint8_t *label = cursor_take(&c, length);
        w->broken = length > LABEL_MOST || name.length >= NAME_MOST ||
                    (label && !w->hint && !is_plain(label, length));
        if (!label || w->broken)
            break;
        if (label == start + 1)
            name.netbios = is_netbios_label(label, length);
    }
    w->at = c;
    return name;
}

/* Type and class, of a question or of a record. */
static void walk_kind(struct walk *w, const struct name *name, uint16_t *type)
{
    *type = cursor_u16(&w->at);
    uint16_t class = cursor_u16(&w->at) & (uint16_t)~CLASS_UNICAST_BIT;
    if (w->at.bad)
        return;
    bool netbios = name->netbios && (*type == TYPE_NETBIOS || *type == TYPE_NBSTAT);
    bool known = class == 1 || class == 3 || class == 4 || class == 254 || class == 255;
    if (netbios || *type == 0 || (!known && *type != TYPE_OPT))
        w->broken = true;
}

static void walk_question(struct walk *w)
{
    uint16_t type;
    struct name name = walk_name(w);
    walk_kind(w, &name, &type);
    if (!w->at.bad && !w->hint && name.length < 2)
        w->broken = true;
}

static void walk_record(struct walk *w)
{
    uint16_t type;
    struct name name = walk_name(w);
    walk_kind(w, &name, &type);
    cursor_skip(&w->at, 4); /* TTL */
    uint16_t data = cursor_u16(&w->at);
    if (!w->at.bad && data > cursor_left(&w->at) + w->missing)
        w->broken = true;
    cursor_skip(&w->at, data);
}

struct header {
    uint32_t questions, records;
};

/* Of a whole header; most of what is no DNS ends here. */
static bool read_header(const uint8_t *bytes, bool hint, struct header *h)
{
    uint16_t flags = big_endian_16(bytes + 2);
    unsigned opcode = flags >> 11 & 15, rcode = flags & 15;
    bool response = flags & FLAG_RESPONSE;
    h->questions = big_endian_16(bytes + 4);
    h->records = (uint32_t)big_endian_16(bytes + 6) + big_endian_16(bytes + 8) +
                 big_endian_16(bytes + 10);
    if (opcode == 3 || opcode > OPCODE_UPDATE || (!response && rcode != 0) ||
        h->records > UINT16_MAX)
        return false;
    return hint || (opcode == 0 && h->questions == 1 && !(flags & 0x0040));
}

bool dns_message_answers(const uint8_t *bytes, size_t length)
{
    if (length < HEADER)
        return false;
    uint16_t flags = big_endian_16(bytes + 2), answers = big_endian_16(bytes + 6);
    return flags & FLAG_RESPONSE && !(flags & FLAGS_OPCODE) && answers > 0;
}

bool dns_message_recognise(const uint8_t *bytes, size_t length, size_t missing, bool port_hint)
{
    struct header header;
    if (length < HEADER || !read_header(bytes, port_hint, &header))
        return false;
    struct walk w = {cursor_over(bytes + HEADER, length - HEADER), bytes, missing, port_hint,
                     false};
    for (unsigned i = 0; i < header.questions && !w.at.bad && !w.broken; i++)
        walk_question(&w);
    bool asked = !w.at.bad;
    for (unsigned i = 0; i < header.records && !w.at.bad && !w.broken; i++)
        walk_record(&w);
    if (w.broken)
        return false;
    if (w.at.bad)
        return missing > 0 && (asked || port_hint);
    return port_hint || cursor_left(&w.at) + missing == 0;
}
