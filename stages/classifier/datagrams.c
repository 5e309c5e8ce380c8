#include "stages/classifier/datagrams.h"

#include "common/recognise/dns_message.h"
#include "common/recognise/quic_initial.h"
#include "stages/classifier/stun.h"

static bool is_dns_port(uint16_t port)
{
    return port == 53 || port == 5353 || port == 5355;
}

void datagrams_begin(struct datagrams *d, struct findings *findings)
{
    const struct profile *profile = findings->ground->profile;
    const struct event_open *open = &findings->open;
    *d = (struct datagrams){.findings = findings,
                            .dns_port = is_dns_port(open->port[0]) || is_dns_port(open->port[1]),
                            .all_dns = true};
    for (size_t i = 0; i < profile_count(profile); i++)
        if (signature_applies(profile_signature(profile, i), open->transport, open->port))
            d->open[0] |= UINT64_C(1) << i;
    d->open[1] = d->open[0];
}

static int read_stun(struct datagrams *d, size_t signature, const struct event_data *data)
{
    const struct ground *ground = d->findings->ground;
    const struct signature *s = profile_signature(ground->profile, signature);
    if (!stun_recognise(data->bytes, data->length, data->missing))
        return 0;
    struct cursor attributes = stun_attributes(data->bytes, data->length);
    struct slice text;
    while (stun_next(&attributes, s->stun_attribute, &text)) {
        bool found;
        int error = findings_stun(d->findings, data->direction, text, ground->limits.stun_values,
                                  &found);
        if (error != 0)
            return error;
        if (found)
            findings_type(d->findings, 0, RANK_SIGNATURES + (uint32_t)signature);
    }
    return 0;
}

/* A signature of which this side has been identified has nothing new to find on it. The domain
 * that toutiao's finds counts wherever its bytes begin, also where they hold nothing. */
static int match(struct datagrams *d, size_t signature, place at, int direction,
                 const struct payload *payload)
{
    const struct signature *s = profile_signature(d->findings->ground->profile, signature);
    struct match m;
    if (signature_match(s, payload, &m) != VERDICT_YES)
        return 0;
    findings_type(d->findings, at, RANK_SIGNATURES + (uint32_t)signature);
    if (m.value.length == 0 && s->reports != REPORTS_TOUTIAO)
        return 0;
    d->open[direction] &= ~(UINT64_C(1) << signature);
    return findings_identifier(d->findings, signature, direction, at, m.value, m.location);
}

static int look(struct datagrams *d, place at, const struct event_data *data)
{
    struct payload payload = {data->bytes, data->length, data->missing, false};
    const struct profile *profile = d->findings->ground->profile;
    uint64_t may = profile_glance(profile, false, d->open[data->direction], &payload);
    int error = 0;
    for (; may && error == 0; may &= may - 1) {
        size_t i = (size_t)__builtin_ctzll(may);
        bool stun = profile_signature(profile, i)->kind == SIGNATURE_STUN;
        error = stun ? read_stun(d, i, data) : match(d, i, at, data->direction, &payload);
    }
    return error;
}

int datagrams_data(struct datagrams *d, place at, const struct event_data *data)
{
    bool looked = data->offset < d->findings->ground->limits.probe_datagrams;
    d->dns = (looked || d->all_dns) &&
             dns_message_recognise(data->bytes, data->length, data->missing, d->dns_port);
    d->all_dns = d->all_dns && d->dns;
    if (!d->hint && looked && d->dns)
        d->hint = TAPLINE_HINT_DNS;
    if (!d->hint && looked && quic_initial_recognise(data->bytes, data->length))
        d->hint = TAPLINE_HINT_QUIC;
    if (!d->hint && datagrams_want(d, data->offset + 1) == TAPLINE_WANT_NOTHING)
        d->declined[data->direction] = true;
    return looked ? look(d, at, data) : 0;
}

uint32_t datagrams_hint(const struct datagrams *d)
{
    return d->hint;
}

bool datagrams_served(const struct datagrams *d, int direction, uint64_t index)
{
    bool probed = index < d->findings->ground->limits.probe_datagrams;
    return (d->hint == TAPLINE_HINT_QUIC && !d->declined[direction]) ||
           (d->hint == TAPLINE_HINT_DNS && (d->all_dns || probed));
}

/* On the ports of DNS a message that breaks a rule somewhere still answers up to there: what forges
 * answers is not always well made. */
bool datagrams_passes(const struct datagrams *d, const struct event_data *data)
{
    if (!datagrams_served(d, data->direction, data->offset))
        return false;
    bool dns = d->hint == TAPLINE_HINT_DNS;
    return !dns || ((d->dns || d->dns_port) && dns_message_answers(data->bytes, data->length));
}

bool datagrams_dns_only(const struct datagrams *d, uint64_t received, uint64_t packets)
{
    return d->hint == TAPLINE_HINT_DNS && d->all_dns && received == packets;
}

enum tapline_want datagrams_want(const struct datagrams *d, uint64_t next)
{
    return next < d->findings->ground->limits.probe_datagrams || d->all_dns ? TAPLINE_WANT_FROM
                                                                  : TAPLINE_WANT_NOTHING;
}
