#include "stages/classifier/stream.h"

#include "common/recognise/dns_message.h"
#include "common/recognise/start_line.h"
#include "common/recognise/tls_hello.h"
#include "stages/classifier/holding.h"

enum {
    TURN_PROTOCOLS = TAPLINE_HINT_HTTP | TAPLINE_HINT_TLS,
    DNS_HEADER = 12,
    DNS_EVIDENCE = 512, /* so much of a longer message is enough to know it by */
};

static bool is_dns_port(uint16_t port)
{
    return port == 53 || port == 5353;
}

void stream_begin(struct stream *s, struct findings *findings)
{
    struct ground *ground = findings->ground;
    const struct event_open *open = &findings->open;
    *s = (struct stream){.ground = ground,
                         .findings = findings,
                         .dns_port = is_dns_port(open->port[0]) || is_dns_port(open->port[1])};
    for (size_t i = 0; i < profile_count(ground->profile); i++) {
        const struct signature *one = profile_signature(ground->profile, i);
        if (one->kind == SIGNATURE_MATCH && signature_applies(one, open->transport, open->port))
            s->side[0].signatures |= UINT64_C(1) << i;
    }
    s->side[1].signatures = s->side[0].signatures;
}

void stream_free(struct stream *s)
{
    holding_free(&s->side[0].holding);
    holding_free(&s->side[1].holding);
}

/* A DNS message behind its length (RFC 1035, section 4.2.2). */
static enum verdict dns_recognise(const struct stream *s, struct slice bytes)
{
    if (bytes.length < 2 + DNS_HEADER)
        return VERDICT_MORE;
    size_t length = (size_t)bytes.bytes[0] << 8 | bytes.bytes[1], there = bytes.length - 2;
    if (there > length)
        there = length;
    bool enough = there == length || there >= DNS_EVIDENCE;
    /* Without its question even a message between ports of DNS is no more than possible. */
    if (!dns_message_recognise(bytes.bytes + 2, there, length - there, s->dns_port || !enough))
        return VERDICT_NO;
    return enough ? VERDICT_YES : VERDICT_MORE;
}

/* Empty lines may stand ahead of a start line (RFC 9112, section 2.2). One that comes in the next
 * segment is known by itself. */
static enum verdict http_recognise(const struct stream *s, struct start *start, struct slice bytes)
{
    size_t empty = 0;
    while (empty < bytes.length && (bytes.bytes[empty] == '\r' || bytes.bytes[empty] == '\n'))
        empty++;
    if (empty == bytes.length)
        return VERDICT_NO;
    return start_line_recognise(bytes.bytes + empty, bytes.length - empty,
                                s->ground->limits.start_line, &start->line);
}

static enum verdict recognise(const struct stream *s, struct start *start, uint32_t protocol,
                              struct slice bytes)
{
    switch (protocol) {
    case TAPLINE_HINT_HTTP: return http_recognise(s, start, bytes);
    case TAPLINE_HINT_TLS: return tls_hello_recognise(bytes.bytes, bytes.length);
    default: return dns_recognise(s, bytes);
    }
}

/* From here on the flow is the extractor's, which nobody else's recognition can change. Of the
 * other direction it gets what may be the beginning of the same protocol. */
static void found_protocol(struct stream *s, int direction, const struct start *start,
                           uint32_t protocol)
{
    for (int side = 0; side < DIRECTIONS; side++)
        s->side[side].declined = side != direction && stream_want(s, side) == TAPLINE_WANT_TURN;
    s->hint = protocol;
    if (protocol == TAPLINE_HINT_HTTP || protocol == TAPLINE_HINT_TLS)
        findings_type(s->findings, start->at,
                      protocol == TAPLINE_HINT_HTTP ? RANK_HTTP : RANK_HTTPS);
    s->side[direction].replaying = true;
    s->side[direction].replay_from = start->offset;
    for (int side = 0; side < DIRECTIONS; side++) {
        struct side *one = &s->side[side];
        for (size_t i = 0; i < holding_starts(one->holding); i++) {
            struct start *held = holding_start(one->holding, i);
            if (!one->replaying && held->protocols & protocol) {
                one->replaying = true;
                one->replay_from = held->offset;
            }
            held->protocols = 0;
        }
    }
}

static void look_for_protocols(struct stream *s, int direction, struct start *start,
                               struct slice bytes, bool more)
{
    static const uint32_t protocols[] = {TAPLINE_HINT_HTTP, TAPLINE_HINT_TLS, TAPLINE_HINT_DNS};
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        if (!(start->protocols & protocols[i]))
            continue;
        enum verdict verdict = recognise(s, start, protocols[i], bytes);
        if (verdict == VERDICT_YES) {
            found_protocol(s, direction, start, protocols[i]);
            start->protocols = 0;
        } else if (verdict == VERDICT_NO || !more) {
            start->protocols &= ~protocols[i];
        }
    }
}

static int look_for_signatures(struct stream *s, int direction, struct start *start,
                               struct slice bytes, bool more)
{
    struct payload payload = {bytes.bytes, bytes.length, 0, more};
    int error = 0;
    start->signatures = profile_glance(s->ground->profile, true, start->signatures, &payload);
    start->needs = SIZE_MAX;
    for (uint64_t open = start->signatures; open && error == 0; open &= open - 1) {
        size_t i = (size_t)__builtin_ctzll(open);
        struct match match;
        enum verdict verdict =
            signature_match(profile_signature(s->ground->profile, i), &payload, &match);
        if (verdict == VERDICT_MORE) {
            start->needs = match.needs < start->needs ? match.needs : start->needs;
            continue;
        }
        start->signatures &= ~(UINT64_C(1) << i);
        if (verdict == VERDICT_NO)
            continue;
        findings_type(s->findings, start->at, RANK_SIGNATURES + (uint32_t)i);
        if (match.value.length)
            error = findings_identifier(s->findings, i, direction, start->at, match.value,
                                        match.location);
    }
    return error;
}

static int look(struct stream *s, int direction, struct start *start, struct slice bytes, bool more)
{
    if (start->protocols)
        look_for_protocols(s, direction, start, bytes, more);
    bool worthwhile = start->signatures && (bytes.length >= start->needs || !more);
    return worthwhile ? look_for_signatures(s, direction, start, bytes, more) : 0;
}

static int look_at_held(struct stream *s, int direction, bool more)
{
    struct holding *h = s->side[direction].holding;
    int error = 0;
    for (size_t i = 0; i < holding_starts(h) && error == 0; i++) {
        struct start *start = holding_start(h, i);
        error = look(s, direction, start, holding_bytes(h, start), more);
    }
    return error;
}

/* May what is undecided of a start yet come before a type of this place and rank? */
static bool may_precede(const struct start *start, place at, uint32_t rank)
{
    if (start->at != at || rank < RANK_SIGNATURES)
        return start->at < at && start_undecided(start);
    uint64_t higher = (UINT64_C(1) << (rank - RANK_SIGNATURES)) - 1;
    return start->protocols || start->signatures & higher;
}

static bool type_is_final(const struct stream *s)
{
    place at;
    uint32_t rank;
    if (!findings_typed(s->findings, &at, &rank))
        return false;
    for (int side = 0; side < DIRECTIONS; side++) {
        const struct holding *h = s->side[side].holding;
        for (size_t i = 0; i < holding_starts(h); i++)
            if (may_precede(holding_start(h, i), at, rank))
                return false;
    }
    return true;
}

/* Of a flow whose type is final only the type's own identifiers are still looked for. What neither
 * side looks for any more has been through this. */
static void narrow(struct stream *s)
{
    uint64_t open = s->side[0].signatures | s->side[1].signatures;
    if (!open || !type_is_final(s))
        return;
    for (; open; open &= open - 1) {
        size_t i = (size_t)__builtin_ctzll(open);
        uint64_t bit = UINT64_C(1) << i;
        bool own = findings_type_is(s->findings, i);
        for (int side = 0; side < DIRECTIONS; side++) {
            struct holding *h = s->side[side].holding;
            if (!own || findings_identified(s->findings, i, side))
                s->side[side].signatures &= ~bit;
            for (size_t n = 0; !own && n < holding_starts(h); n++)
                holding_start(h, n)->signatures &= ~bit;
        }
    }
}

/* What is done with when an event has been looked at, and nothing is left to hand on. */
static void settle(struct stream *s)
{
    narrow(s);
    for (int side = 0; side < DIRECTIONS; side++) {
        holding_settle(&s->side[side].holding);
        s->side[side].replaying = false;
    }
}

/* What is to be looked for from the first byte of this segment on. */
static struct start start_of(struct stream *s, place at, const struct event_data *data)
{
    struct side *side = &s->side[data->direction];
    struct start start = {.at = at, .offset = data->offset};
    bool probed = side->segments < s->ground->limits.probe_segments;
    bool turn = data->flags & TAPLINE_TURN;
    side->segments++;
    if (probed)
        start.signatures = side->signatures;
    if (!s->hint && (probed || turn))
        start.protocols = TURN_PROTOCOLS;
    if (!s->hint && probed && turn)
        start.protocols |= TAPLINE_HINT_DNS;
    return start;
}

static int hold(struct stream *s, const struct start *start, const struct event_data *data)
{
    struct holding **h = &s->side[data->direction].holding;
    int error = holding_add(h, &s->ground->holdings, start->at, data);
    return error == 0 && start_undecided(start) ? holding_add_start(*h, start) : error;
}

static bool replays(const struct stream *s)
{
    return s->side[0].replaying || s->side[1].replaying;
}

int stream_data(struct stream *s, place at, const struct event_data *data)
{
    struct start start = start_of(s, at, data);
    int error = 0;
    s->last = at;
    if (holding_starts(s->side[data->direction].holding) > 0) {
        error = hold(s, &start, data);
        if (error == 0)
            error = look_at_held(s, data->direction, true);
    } else if (start_undecided(&start)) {
        struct slice bytes = {data->bytes, data->length};
        error = look(s, data->direction, &start, bytes, true);
        if (error == 0 && start_undecided(&start))
            error = hold(s, &start, data);
    } else {
        return 0;
    }
    if (error == 0 && !replays(s))
        settle(s);
    return error;
}

int stream_break(struct stream *s, int direction)
{
    int error = look_at_held(s, direction, false);
    if (error == 0)
        settle(s);
    return error;
}

uint32_t stream_hint(const struct stream *s)
{
    return s->hint;
}

/* The next held segment of a side that is to be handed on, stepping over those that are not. */
static bool peek_held(const struct stream *s, struct side *side, struct held *held)
{
    for (; side->replaying && side->replayed < holding_segments(side->holding); side->replayed++) {
        *held = holding_segment(side->holding, side->replayed);
        if (held->data.offset >= side->replay_from && held->at != s->last)
            return true;
    }
    return false;
}

bool stream_take_held(struct stream *s, struct event_data *data)
{
    struct held held[DIRECTIONS];
    bool there[DIRECTIONS];
    for (int side = 0; side < DIRECTIONS; side++)
        there[side] = peek_held(s, &s->side[side], &held[side]);
    if (!there[0] && !there[1]) {
        settle(s);
        return false;
    }
    int first = !there[0] || (there[1] && held[1].at < held[0].at) ? 1 : 0;
    s->side[first].replayed++;
    *data = held[first].data;
    return true;
}

bool stream_passes(struct stream *s, int direction, bool turn)
{
    if (turn)
        s->side[direction].declined = false;
    return !s->side[direction].declined;
}

bool stream_holds(const struct stream *s)
{
    for (int side = 0; side < DIRECTIONS; side++) {
        const struct holding *h = s->side[side].holding;
        for (size_t i = 0; i < holding_starts(h); i++)
            if (holding_start(h, i)->protocols)
                return true;
    }
    return false;
}

enum tapline_want stream_want(const struct stream *s, int direction)
{
    const struct side *side = &s->side[direction];
    if (holding_starts(side->holding) > 0)
        return TAPLINE_WANT_FROM;
    if (side->segments < s->ground->limits.probe_segments && (!s->hint || side->signatures))
        return TAPLINE_WANT_FROM;
    return s->hint ? TAPLINE_WANT_NOTHING : TAPLINE_WANT_TURN;
}
