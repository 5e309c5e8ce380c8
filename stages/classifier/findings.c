#include "stages/classifier/findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/error.h"
#include "common/wire/pack.h"

/* An identifier of one side, as one signature saw it. */
struct sighting {
    struct sighting *next;
    size_t signature;
    int side;
    place at;
    uint32_t location;
    size_t length;
    uint8_t value[];
};

/* A STUN value that is there already: its sender, its digest, and that of the text that it was read
 * from. Who keeps a connection alive sends the same text again and again: it is not read again. */
struct stun_seen {
    uint64_t side;
    uint64_t digest[2];
    uint64_t text[2];
};

struct stun_values {
    struct buffer maps; /* msgpack: a run of maps */
    struct buffer seen; /* struct stun_seen, one for each of them */
};

void findings_begin(struct findings *f, struct ground *ground, const struct event_open *open)
{
    *f = (struct findings){.ground = ground, .open = *open, .rank = FINDINGS_NO_TYPE};
}

void findings_free(struct findings *f)
{
    while (f->sightings) {
        struct sighting *first = f->sightings;
        f->sightings = first->next;
        free(first);
    }
    if (f->stun) {
        buffer_free(&f->stun->maps);
        buffer_free(&f->stun->seen);
        free(f->stun);
        f->stun = NULL;
    }
}

void findings_type(struct findings *f, place at, uint32_t rank)
{
    if (f->open.transport == TRANSPORT_UDP)
        at = 0;
    if (f->rank == FINDINGS_NO_TYPE || at < f->type_at || (at == f->type_at && rank < f->rank)) {
        f->type_at = at;
        f->rank = rank;
    }
}

bool findings_typed(const struct findings *f, place *at, uint32_t *rank)
{
    *at = f->type_at;
    *rank = f->rank;
    return f->rank != FINDINGS_NO_TYPE;
}

static const char *type_name(const struct findings *f)
{
    return f->rank == RANK_HTTP ? "http"
           : f->rank == RANK_HTTPS
               ? "https"
               : profile_signature(f->ground->profile, f->rank - RANK_SIGNATURES)->label;
}

bool findings_type_is(const struct findings *f, size_t signature)
{
    return f->rank != FINDINGS_NO_TYPE &&
           strcmp(type_name(f), profile_signature(f->ground->profile, signature)->label) == 0;
}

/* Where the sighting of a signature and side hangs, or would. */
static struct sighting **sighting_of(struct findings *f, size_t signature, int side)
{
    struct sighting **at = &f->sightings;
    while (*at && ((*at)->signature != signature || (*at)->side != side))
        at = &(*at)->next;
    return at;
}

int findings_identifier(struct findings *f, size_t signature, int side, place at,
                        struct slice value, uint32_t location)
{
    struct sighting **known = sighting_of(f, signature, side);
    if (*known && (*known)->at <= at)
        return 0;
    struct sighting *s = malloc(sizeof *s + value.length);
    if (!s)
        return -ENOMEM;
    *s = (struct sighting){.next = *known ? (*known)->next : NULL,
                           .signature = signature,
                           .side = side,
                           .at = at,
                           .location = location,
                           .length = value.length};
    if (value.length)
        memcpy(s->value, value.bytes, value.length);
    free(*known);
    *known = s;
    return 0;
}

bool findings_identified(struct findings *f, size_t signature, int side)
{
    return *sighting_of(f, signature, side) != NULL;
}

static void pack_address(struct buffer *to, const struct findings *f, int side)
{
    char text[ADDRESS_TEXT];
    pack_str(to, address_text(&f->open.address[side], text));
}

/* Is it there already: by the text that it was read from, or by what that says? */
static bool is_seen(const struct buffer *seen, const struct stun_seen *one, bool by_text)
{
    const struct stun_seen *list = (const struct stun_seen *)(const void *)seen->bytes;
    for (size_t i = 0; i < seen->length / sizeof *one; i++) {
        const uint64_t *known = by_text ? list[i].text : list[i].digest;
        const uint64_t *asked = by_text ? one->text : one->digest;
        if (list[i].side == one->side && known[0] == asked[0] && known[1] == asked[1])
            return true;
    }
    return false;
}

/* Keeps what the text says, where it is an object that is new. */
static int stun_read(struct findings *f, struct slice text, struct stun_seen *one, bool *found)
{
    struct stun_values *values = f->stun;
    const struct stun_text *said = stun_texts_read(f->ground->stun_texts, text);
    if (!said)
        return -ENOMEM;
    *found = said->object;
    memcpy(one->digest, said->digest, sizeof one->digest);
    if (*found && !is_seen(&values->seen, one, false)) {
        pack_map(&values->maps, said->count + 1);
        buffer_append(&values->maps, said->pairs.bytes, said->pairs.length);
        pack_str(&values->maps, "data_ip");
        pack_address(&values->maps, f, (int)one->side);
        buffer_append(&values->seen, one, sizeof *one);
    }
    return !values->maps.failed && !values->seen.failed ? 0 : -ENOMEM;
}

/* With room for what both sides say mostly: growing to that costs more than having it. */
static struct stun_values *stun_values_new(void)
{
    enum { USUAL = 2, USUAL_MAP = 128 };
    struct stun_values *values = calloc(1, sizeof *values);
    if (values) {
        buffer_reserve(&values->maps, (size_t)USUAL * USUAL_MAP);
        buffer_reserve(&values->seen, USUAL * sizeof(struct stun_seen));
    }
    return values;
}

int findings_stun(struct findings *f, int side, struct slice text, uint64_t most, bool *found)
{
    *found = false;
    if (!f->stun)
        f->stun = stun_values_new();
    if (!f->stun)
        return -ENOMEM;
    if (f->stun->seen.length / sizeof(struct stun_seen) >= most)
        return 0;
    XXH128_hash_t hash = XXH3_128bits(text.bytes, text.length);
    struct stun_seen one = {.side = (uint64_t)side, .text = {hash.low64, hash.high64}};
    *found = is_seen(&f->stun->seen, &one, true);
    return *found ? 0 : stun_read(f, text, &one, found);
}

void findings_dns_only(struct findings *f)
{
    f->dns_only = true;
}

/* The notes' map: its pairs are counted as they are written. */
struct notes {
    struct buffer *pairs;
    uint32_t count;
};

static struct buffer *note(struct notes *n, const char *key)
{
    pack_str(n->pairs, key);
    n->count++;
    return n->pairs;
}

/* Of TCP only the identifiers that belong to the flow's type are kept. */
static bool counts(const struct findings *f, size_t signature, enum reports reports)
{
    return profile_signature(f->ground->profile, signature)->reports == reports &&
           (f->open.transport == TRANSPORT_UDP || findings_type_is(f, signature));
}

/* The earliest sighting of one side among the signatures that report so; NULL: none. */
static const struct sighting *earliest(const struct findings *f, enum reports reports, int side)
{
    const struct sighting *first = NULL;
    for (const struct sighting *s = f->sightings; s; s = s->next)
        if (s->side == side && counts(f, s->signature, reports) &&
            (!first || s->at < first->at ||
             (s->at == first->at && s->signature < first->signature)))
            first = s;
    return first;
}

/* The side that was sighted first. */
static int first_side(const struct findings *f, enum reports reports)
{
    const struct sighting *one = earliest(f, reports, 0), *other = earliest(f, reports, 1);
    return other && (!one || other->at < one->at) ? 1 : 0;
}

/* `keys`: the address and the identifier of the side that comes first, and those of the other. */
static void note_sides(const struct findings *f, struct notes *n, enum reports reports,
                       const char *const keys[4], int first)
{
    for (int i = 0; i < DIRECTIONS; i++) {
        int side = first ^ i;
        const struct sighting *s = earliest(f, reports, side);
        if (!s)
            continue;
        pack_address(note(n, keys[2 * i]), f, side);
        pack_text(note(n, keys[2 * i + 1]), s->value, s->length);
    }
}

static void note_toutiao(const struct findings *f, struct notes *n)
{
    int side = first_side(f, REPORTS_TOUTIAO);
    const struct sighting *s = earliest(f, REPORTS_TOUTIAO, side);
    if (!s)
        return;
    pack_address(note(n, "toutiao_ip"), f, side);
    pack_text(note(n, "toutiao_value"), s->value, s->length);
    pack_uint(note(n, "toutiao_location"), s->location);
}

static int by_place(const void *a, const void *b)
{
    const struct sighting *left = *(const struct sighting *const *)a;
    const struct sighting *right = *(const struct sighting *const *)b;
    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    return left->signature < right->signature ? -1 : left->signature > right->signature;
}

static void note_identifiers(const struct findings *f, struct notes *n)
{
    const struct sighting *all[PROFILE_SIGNATURES * DIRECTIONS];
    size_t count = 0;
    for (const struct sighting *s = f->sightings; s; s = s->next)
        if (counts(f, s->signature, REPORTS_IDENTIFIERS))
            all[count++] = s;
    if (count == 0)
        return;
    qsort(all, count, sizeof all[0], by_place);
    struct buffer *to = note(n, "identifiers");
    pack_array(to, count);
    for (size_t i = 0; i < count; i++) {
        pack_map(to, 4);
        pack_str(to, "signature");
        pack_str(to, profile_signature(f->ground->profile, all[i]->signature)->name);
        pack_str(to, "ip");
        pack_address(to, f, all[i]->side);
        pack_str(to, "value");
        pack_text(to, all[i]->value, all[i]->length);
        pack_str(to, "location");
        pack_uint(to, all[i]->location);
    }
}

static void note_sightings(const struct findings *f, struct notes *n)
{
    static const char *const bit_peer[] = {"bit_peer_ip_1", "bit_peer_id_1", "bit_peer_ip_2",
                                           "bit_peer_id_2"};
    static const char *const xunlei[] = {"xunlei_ip_1", "xunlei_id_1", "xunlei_ip_2",
                                         "xunlei_id_2"};
    note_sides(f, n, REPORTS_BIT_PEER, bit_peer, FROM_INITIATOR);
    note_toutiao(f, n);
    note_sides(f, n, REPORTS_XUNLEI, xunlei, first_side(f, REPORTS_XUNLEI));
    note_identifiers(f, n);
}

int findings_note(const struct findings *f, struct buffer *to, bool *found)
{
    struct notes n = {to, 0};
    size_t before = to->length, head = pack_map_open(to);
    if (f->rank != FINDINGS_NO_TYPE)
        pack_str(note(&n, "protocol_type"), type_name(f));
    if (f->sightings)
        note_sightings(f, &n);
    if (f->stun && f->stun->maps.length) {
        pack_array(note(&n, "stun_values"), f->stun->seen.length / sizeof(struct stun_seen));
        buffer_append(to, f->stun->maps.bytes, f->stun->maps.length);
    }
    if (f->dns_only)
        pack_bool(note(&n, "dns_only"), true);
    *found = n.count > 0;
    if (*found)
        pack_map_close(to, head, n.count);
    else
        to->length = before;
    return to->failed ? -ENOMEM : 0;
}
