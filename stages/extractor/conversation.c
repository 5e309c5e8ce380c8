#include "stages/extractor/conversation.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/base/cache.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/wire/pack.h"

/* A name that was seen on the wire, who it belongs to, and when. */
struct name_note {
    char *text; /* NULL: none was */
    int64_t time_ns;
    uint32_t length;
    uint8_t side;
};

/* What a direction's reader asked for last. */
struct wanted {
    uint64_t offset;
    uint8_t want; /* enum tapline_want */
    bool told;    /* to the stage before */
};

enum { RECORD_KINDS = TAPLINE_RECORD_XYCDN + 1 };

/* First what every event looks at, which is all that most look at. */
struct conversation {
    struct conversation_ground *ground;
    uint64_t flow;
    struct wanted wanted[DIRECTIONS];
    uint32_t from;      /* whom demand is told */
    outlet_route route; /* the sink's */
    uint64_t records;   /* sent ahead of the close */
    struct event_open open;
    uint64_t packet[RECORD_KINDS]; /* that the last record of a kind began in, */
    uint32_t next[RECORD_KINDS];   /* and what is the next one's place in it */
    struct name_note sni;
    struct name_note domain;
    int64_t request_ns; /* the last HTTP request's time, */
    bool requested;     /* if there was any */
};
_Static_assert(sizeof(struct conversation) <= 4 * CACHE_LINE, "there are often very many");

void conversation_ground_clear(struct conversation_ground *ground)
{
    for (int i = 0; i < ROOMS; i++)
        buffer_free(&ground->rooms[i]);
    for (int i = 0; i < SPARES; i++)
        spares_free(&ground->spares[i]);
    for (int i = 0; i < POOLS; i++)
        pool_free(&ground->pools[i]);
}

struct conversation *conversation_new(struct conversation_ground *ground, uint64_t flow,
                                      uint32_t from, const struct event_open *open)
{
    struct conversation *c = pool_take(&ground->pools[POOL_CONVERSATION], sizeof *c);
    if (!c)
        return NULL;
    *c = (struct conversation){.ground = ground, .flow = flow, .open = *open, .from = from};
    return c;
}

void conversation_free(struct conversation **c)
{
    if (!*c)
        return;
    free((*c)->sni.text);
    free((*c)->domain.text);
    pool_put(conversation_pool(*c, POOL_CONVERSATION), *c);
    *c = NULL;
}

void conversation_expect(const struct conversation *c, const struct event *event)
{
    cache_fetch(c, event->kind == TAPLINE_CLOSE ? sizeof *c : offsetof(struct conversation, sni));
}

const struct event_open *conversation_open(const struct conversation *c)
{
    return &c->open;
}

const struct limits *conversation_limits(const struct conversation *c)
{
    return &c->ground->limits;
}

struct certificate_cache *conversation_certificates(const struct conversation *c)
{
    return c->ground->certificates;
}

struct buffer *conversation_room(struct conversation *c, enum conversation_room room)
{
    buffer_clear(&c->ground->rooms[room]);
    return &c->ground->rooms[room];
}

struct spares *conversation_spares(struct conversation *c, enum conversation_spare kind)
{
    return &c->ground->spares[kind];
}

struct pool *conversation_pool(struct conversation *c, enum conversation_pool kind)
{
    return &c->ground->pools[kind];
}

const char *conversation_ip_port(const struct conversation *c, int first, char out[IP_PORT_TEXT])
{
    const struct event_open *open = &c->open;
    return ip_port_text(&open->address[first], open->port[first], &open->address[!first],
                        open->port[!first], out);
}

void conversation_cost(struct conversation *c, enum conversation_cost cost, uint64_t count)
{
    c->ground->costs[cost] += count;
}

/* ---- records and the close ------------------------------------------------------------------ */

int conversation_hand_on(struct conversation *c, const struct event *event)
{
    return outlet_event(c->ground->outlet, TAPLINE_SINK, &c->route, event);
}

int conversation_record(struct conversation *c, enum tapline_record_kind record, int64_t time_ns,
                        uint64_t packet, const struct buffer *map)
{
    if (map->failed)
        return -ENOMEM;
    if (c->packet[record] != packet) {
        c->packet[record] = packet;
        c->next[record] = 0;
    }
    c->records++;
    struct event event; /* a CLOSE is many times as large: what only that has stays as it is */
    event.kind = TAPLINE_RECORD;
    event.flow = c->flow;
    event.record = (struct event_record){.record = record,
                                         .time_ns = time_ns,
                                         .packet = packet,
                                         .order = c->next[record]++,
                                         .map = {map->bytes, map->length}};
    return conversation_hand_on(c, &event);
}

static void pack_name(const struct conversation *c, struct buffer *to, const struct name_note *note,
                      const char *const keys[3])
{
    char address[ADDRESS_TEXT];
    pack_str(to, keys[0]);
    pack_text(to, note->text, note->length);
    pack_str(to, keys[1]);
    pack_str(to, address_text(&c->open.address[note->side], address));
    pack_str(to, keys[2]);
    pack_time(to, note->time_ns);
}

/* Appends the map of what was learned, where there is something. */
static void pack_notes(const struct conversation *c, struct buffer *to)
{
    static const char *const sni_keys[] = {"https_SNI", "https_SNI_ip", "https_SNI_time"};
    static const char *const domain_keys[] = {"https_Cert_domain", "https_Cert_ip",
                                              "https_Cert_time"};
    size_t pairs = (size_t)c->requested + (c->sni.text ? 3 : 0) + (c->domain.text ? 3 : 0);
    if (!pairs)
        return;
    pack_map(to, pairs);
    if (c->requested) {
        pack_str(to, "http_req_time");
        pack_time(to, c->request_ns);
    }
    if (c->sni.text)
        pack_name(c, to, &c->sni, sni_keys);
    if (c->domain.text)
        pack_name(c, to, &c->domain, domain_keys);
}

int conversation_close(struct conversation *c, const struct event *close, uint64_t received)
{
    struct event out = *close;
    if (out.close.trail_count == MAX_TRAIL)
        return ERR_MALFORMED;
    out.close.trail[out.close.trail_count++] =
        (struct trail){.role = TAPLINE_EXTRACTOR, .received = received, .records = c->records};
    struct buffer *notes = conversation_room(c, ROOM_RECORD);
    buffer_append(notes, close->close.notes.bytes, close->close.notes.length);
    pack_notes(c, notes);
    out.close.notes = (struct slice){notes->bytes, notes->length};
    return notes->failed ? -ENOMEM : conversation_hand_on(c, &out);
}

/* ---- demand --------------------------------------------------------------------------------- */

void conversation_want(struct conversation *c, int direction, enum tapline_want want,
                       uint64_t offset)
{
    struct wanted *wanted = &c->wanted[direction];
    if (wanted->want != TAPLINE_WANT_NOTHING)
        *wanted = (struct wanted){.want = (uint8_t)want, .offset = offset};
}

/* Something came that nobody wants. Not before that is the stage before told: many a turn is one
 * segment long, and many a flow ends where its reader has had enough. */
static void tell(struct conversation *c, int direction)
{
    struct wanted *wanted = &c->wanted[direction];
    if (wanted->told || !c->ground->limits.demand)
        return;
    wanted->told = true;
    struct demand demand = {.flow = c->flow,
                            .direction = (uint8_t)direction,
                            .want = wanted->want,
                            .offset = wanted->offset};
    outlet_demand(c->ground->outlet, c->from, &demand);
}

/* How many of the bytes from `offset` on were declined. */
static uint64_t declined_from(const struct wanted *wanted, uint64_t offset)
{
    if (wanted->want != TAPLINE_WANT_FROM)
        return UINT64_MAX;
    return offset < wanted->offset ? wanted->offset - offset : 0;
}

bool conversation_admits_data(struct conversation *c, struct event_data *data)
{
    struct wanted *wanted = &c->wanted[data->direction];
    if (wanted->want == TAPLINE_WANT_TURN && data->flags & TAPLINE_TURN &&
        data->offset >= wanted->offset)
        *wanted = (struct wanted){.want = TAPLINE_WANT_FROM, .offset = data->offset};
    uint64_t declined = declined_from(wanted, data->offset);
    if (!declined)
        return true;
    if (declined >= data->length || c->open.transport != TRANSPORT_TCP) {
        tell(c, data->direction);
        return false;
    }
    data->bytes += declined;
    data->length -= (uint32_t)declined;
    data->offset += declined;
    data->flags &= ~(uint32_t)TAPLINE_TURN;
    return true;
}

bool conversation_admits_gap(struct conversation *c, struct event_gap *gap)
{
    uint64_t declined = declined_from(&c->wanted[gap->direction], gap->offset);
    if (declined && declined >= gap->length) {
        tell(c, gap->direction);
        return false;
    }
    gap->offset += declined;
    gap->length -= declined;
    return true;
}

/* ---- notes ---------------------------------------------------------------------------------- */

int conversation_note_request(struct conversation *c, int64_t time_ns)
{
    c->requested = true;
    c->request_ns = time_ns;
    return 0;
}

static int note_name(struct name_note *note, const uint8_t *name, size_t length, int side,
                     int64_t time_ns)
{
    if (note->text)
        return 0;
    note->text = malloc(length + 1);
    if (!note->text)
        return -ENOMEM;
    note->length = (uint32_t)text_clean(note->text, name, length);
    note->side = (uint8_t)side;
    note->time_ns = time_ns;
    return 0;
}

int conversation_note_sni(struct conversation *c, const uint8_t *name, size_t length,
                          int server_side, int64_t time_ns)
{
    return note_name(&c->sni, name, length, server_side, time_ns);
}

int conversation_note_domain(struct conversation *c, const uint8_t *name, size_t length,
                             int sender_side, int64_t time_ns)
{
    return note_name(&c->domain, name, length, sender_side, time_ns);
}
