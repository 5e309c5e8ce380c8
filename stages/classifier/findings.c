#include "stages/classifier/findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/wire/pack.h"
#include "stages/classifier/stun.h"

static const uint32_t NO_TYPE = UINT32_MAX;

struct sighting {
    place at;
    uint32_t location;
    size_t length;
    uint8_t value[];
};

/* A STUN value that is there already, by its digest and its sender. */
struct stun_seen {
    uint64_t digest[2];
    uint64_t side;
};

struct findings {
    const struct profile *profile;
    const struct event_open *open;
    uint32_t rank; /* of the type; NO_TYPE: none */
    place type_at;
    struct buffer stun_maps;             /* msgpack: a run of maps */
    struct buffer stun_seen;             /* struct stun_seen, one for each of them */
    struct sighting *seen[][DIRECTIONS]; /* by signature */
};

struct findings *findings_new(const struct profile *profile, const struct event_open *open)
{
    struct findings *f;
    f = calloc(1, sizeof *f + profile_count(profile) * sizeof f->seen[0]);
    if (f) {
        f->profile = profile;
        f->open = open;
        f->rank = NO_TYPE;
    }
    return f;
}

void findings_free(struct findings **findings)
{
    struct findings *f = *findings;
    if (!f)
        return;
    for (size_t i = 0; i < profile_count(f->profile); i++)
        for (int side = 0; side < DIRECTIONS; side++)
            free(f->seen[i][side]);
    buffer_free(&f->stun_maps);
    buffer_free(&f->stun_seen);
    free(f);
    *findings = NULL;
}

void findings_type(struct findings *f, place at, uint32_t rank)
{
    if (f->open->transport == TRANSPORT_UDP)
        at = 0;
    if (f->rank == NO_TYPE || at < f->type_at || (at == f->type_at && rank < f->rank)) {
        f->type_at = at;
        f->rank = rank;
    }
}

bool findings_typed(const struct findings *f, place *at, uint32_t *rank)
{
    *at = f->type_at;
    *rank = f->rank;
    return f->rank != NO_TYPE;
}

static const char *type_name(const struct findings *f)
{
    return f->rank == RANK_HTTP ? "http"
           : f->rank == RANK_HTTPS
               ? "https"
               : profile_signature(f->profile, f->rank - RANK_SIGNATURES)->label;
}

bool findings_type_is(const struct findings *f, size_t signature)
{
    return f->rank != NO_TYPE &&
           strcmp(type_name(f), profile_signature(f->profile, signature)->label) == 0;
}

int findings_identifier(struct findings *f, size_t signature, int side, place at,
                        struct slice value, uint32_t location)
{
    struct sighting **known = &f->seen[signature][side];
    if (*known && (*known)->at <= at)
        return 0;
    struct sighting *s = malloc(sizeof *s + value.length);
    if (!s)
        return -ENOMEM;
    *s = (struct sighting){.at = at, .location = location, .length = value.length};
    if (value.length)
        memcpy(s->value, value.bytes, value.length);
    free(*known);
    *known = s;
    return 0;
}

bool findings_identified(const struct findings *f, size_t signature, int side)
{
    return f->seen[signature][side] != NULL;
}

static bool is_seen(const struct buffer *seen, const struct stun_seen *one)
{
    for (size_t at = 0; at < seen->length; at += sizeof *one)
        if (memcmp(seen->bytes + at, one, sizeof *one) == 0)
            return true;
    return false;
}

static void pack_address(struct buffer *to, const struct findings *f, int side)
{
    char text[ADDRESS_TEXT];
    pack_str(to, address_text(&f->open->address[side], text));
}

int findings_stun(struct findings *f, int side, struct slice text, uint64_t most, bool *found)
{
    struct buffer pairs = {0};
    struct stun_seen one = {{0, 0}, (uint64_t)side};
    uint32_t count = 0;
    *found = false;
    if (f->stun_seen.length / sizeof one >= most)
        return 0;
    int error = stun_object(text, "data_ip", &pairs, &count, one.digest);
    *found = error == 0;
    if (*found && !is_seen(&f->stun_seen, &one)) {
        pack_map(&f->stun_maps, count + 1);
        buffer_append(&f->stun_maps, pairs.bytes, pairs.length);
        pack_str(&f->stun_maps, "data_ip");
        pack_address(&f->stun_maps, f, side);
        buffer_append(&f->stun_seen, &one, sizeof one);
    }
    buffer_free(&pairs);
    bool memory = !f->stun_maps.failed && !f->stun_seen.failed && error != -ENOMEM;
    return memory ? 0 : -ENOMEM;
}

/* The notes' map: its pairs are counted as they are written. */
struct notes {
    struct buffer pairs;
    uint32_t count;
};

static struct buffer *note(struct notes *n, const char *stem, const char *end)
{
    char key[32];
    snprintf(key, sizeof key, "%s%s", stem, end);
    pack_str(&n->pairs, key);
    n->count++;
    return &n->pairs;
}

/* Of TCP only the identifiers that belong to the flow's type are kept. */
static bool counts(const struct findings *f, size_t signature, enum reports reports)
{
    return profile_signature(f->profile, signature)->reports == reports &&
           (f->open->transport == TRANSPORT_UDP || findings_type_is(f, signature));
}

/* The earliest sighting of one side among the signatures that report so; NULL: none. */
static const struct sighting *earliest(const struct findings *f, enum reports reports, int side)
{
    const struct sighting *first = NULL;
    for (size_t i = 0; i < profile_count(f->profile); i++) {
        const struct sighting *s = f->seen[i][side];
        if (s && counts(f, i, reports) && (!first || s->at < first->at))
            first = s;
    }
    return first;
}

/* The side that was sighted first. */
static int first_side(const struct findings *f, enum reports reports)
{
    const struct sighting *one = earliest(f, reports, 0), *other = earliest(f, reports, 1);
    return other && (!one || other->at < one->at) ? 1 : 0;
}

static void note_sides(const struct findings *f, struct notes *n, enum reports reports,
                       const char *stem, int first)
{
    for (int i = 0; i < DIRECTIONS; i++) {
        int side = first ^ i;
        const struct sighting *s = earliest(f, reports, side);
        if (!s)
            continue;
        pack_address(note(n, stem, i == 0 ? "_ip_1" : "_ip_2"), f, side);
        pack_text(note(n, stem, i == 0 ? "_id_1" : "_id_2"), s->value, s->length);
    }
}

static void note_toutiao(const struct findings *f, struct notes *n)
{
    int side = first_side(f, REPORTS_TOUTIAO);
    const struct sighting *s = earliest(f, REPORTS_TOUTIAO, side);
    if (!s)
        return;
    pack_address(note(n, "toutiao", "_ip"), f, side);
    pack_text(note(n, "toutiao", "_value"), s->value, s->length);
    pack_uint(note(n, "toutiao", "_location"), s->location);
}

struct identifier {
    const struct sighting *sighting;
    size_t signature;
    int side;
};

static int by_place(const void *a, const void *b)
{
    const struct identifier *left = a, *right = b;
    if (left->sighting->at != right->sighting->at)
        return left->sighting->at < right->sighting->at ? -1 : 1;
    return left->signature < right->signature ? -1 : left->signature > right->signature;
}

static void note_identifiers(const struct findings *f, struct notes *n)
{
    struct identifier all[PROFILE_SIGNATURES * DIRECTIONS];
    size_t count = 0;
    for (size_t i = 0; i < profile_count(f->profile); i++)
        for (int side = 0; side < DIRECTIONS; side++)
            if (f->seen[i][side] && counts(f, i, REPORTS_IDENTIFIERS))
                all[count++] = (struct identifier){f->seen[i][side], i, side};
    if (count == 0)
        return;
    qsort(all, count, sizeof all[0], by_place);
    struct buffer *to = note(n, "identifiers", "");
    pack_array(to, count);
    for (size_t i = 0; i < count; i++) {
        pack_map(to, 4);
        pack_str(to, "signature");
        pack_str(to, profile_signature(f->profile, all[i].signature)->name);
        pack_str(to, "ip");
        pack_address(to, f, all[i].side);
        pack_str(to, "value");
        pack_text(to, all[i].sighting->value, all[i].sighting->length);
        pack_str(to, "location");
        pack_uint(to, all[i].sighting->location);
    }
}

int findings_note(const struct findings *f, struct buffer *to)
{
    struct notes n = {0};
    if (f->rank != NO_TYPE)
        pack_str(note(&n, "protocol_type", ""), type_name(f));
    note_sides(f, &n, REPORTS_BIT_PEER, "bit_peer", FROM_INITIATOR);
    note_toutiao(f, &n);
    note_sides(f, &n, REPORTS_XUNLEI, "xunlei", first_side(f, REPORTS_XUNLEI));
    if (f->stun_maps.length) {
        pack_array(note(&n, "stun_values", ""), f->stun_seen.length / sizeof(struct stun_seen));
        buffer_append(&n.pairs, f->stun_maps.bytes, f->stun_maps.length);
    }
    note_identifiers(f, &n);
    if (n.count)
        pack_map(to, n.count);
    buffer_append(to, n.pairs.bytes, n.pairs.length);
    bool failed = n.pairs.failed || to->failed;
    buffer_free(&n.pairs);
    return failed ? -ENOMEM : 0;
}
