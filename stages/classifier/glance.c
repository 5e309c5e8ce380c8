#include "stages/classifier/glance.h"

#include <stdlib.h>
#include <string.h>

#include "stages/classifier/stun.h"

/* What one alternative asks of a payload's length and of single bytes. */
struct hint {
    uint64_t signature; /* its bit */
    uint32_t enough;    /* in so many bytes there is room for all of it */
    uint32_t longer_than;
    enum { ANYTHING, BYTE_AT, BYTE_FROM } asks;
    uint32_t at;
    uint8_t byte;
    uint8_t mask;  /* BYTE_AT: those bits of it count; otherwise none */
    uint8_t class; /* a byte is of this class, */
    bool classed;  /* where this is set: */
    uint32_t class_at;
};

struct glance {
    size_t count;
    struct hint hints[];
};

/* The first condition on bytes, and the first on a class, are as good as any other. */
static struct hint hint_of(const struct alternative *a, uint64_t signature)
{
    struct hint hint = {.signature = signature, .longer_than = a->longer_than};
    for (uint32_t i = 0; i < a->condition_count; i++) {
        const struct condition *c = &a->conditions[i];
        uint32_t byte = c->kind == CONDITION_FOUND ? c->rare : 0;
        if (c->kind == CONDITION_CLASS && !hint.classed) {
            hint.classed = true;
            hint.class = (uint8_t)c->class;
            hint.class_at = c->at;
        } else if (c->kind != CONDITION_CLASS && hint.asks == ANYTHING) {
            hint.asks = c->kind == CONDITION_FOUND ? BYTE_FROM : BYTE_AT;
            hint.at = c->at + byte;
            hint.byte = c->bytes[byte];
            hint.mask = hint.asks == BYTE_AT ? UINT8_MAX : 0;
        }
    }
    return hint;
}

/* Every STUN message is looked into, if it is one: that much shows at once. */
static struct hint stun_hint(uint64_t signature)
{
    return (struct hint){.signature = signature,
                         .longer_than = STUN_HEADER - 1,
                         .asks = BYTE_AT,
                         .mask = STUN_UNSET};
}

/* Alternatives that search for the same from different places on are one search for a glance. */
static void add(struct glance *g, struct hint hint)
{
    struct hint *last = g->count ? &g->hints[g->count - 1] : NULL;
    if (!last || last->signature != hint.signature || last->asks != BYTE_FROM ||
        hint.asks != BYTE_FROM || last->byte != hint.byte || last->classed || hint.classed) {
        last = &g->hints[g->count++];
        *last = hint;
    }
    if (hint.at < last->at)
        last->at = hint.at;
    if (hint.longer_than < last->longer_than)
        last->longer_than = hint.longer_than;
    last->enough = 1 + (last->longer_than > last->at ? last->longer_than : last->at);
}

static void add_all(struct glance *g, const struct signature *s, uint64_t signature)
{
    switch (s->kind) {
    case SIGNATURE_MATCH:
        for (uint32_t i = 0; i < s->alternative_count; i++)
            add(g, hint_of(&s->alternatives[i], signature));
        break;
    case SIGNATURE_STUN: add(g, stun_hint(signature)); break;
    case SIGNATURE_ADDRESSES: break;
    }
}

struct glance *glance_new(const struct signature *signatures, size_t count, uint8_t transport)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most += 1 + signatures[i].alternative_count;
    struct glance *g = calloc(1, sizeof *g + most * sizeof g->hints[0]);
    for (size_t i = 0; g && i < count; i++)
        if (signatures[i].transport == transport)
            add_all(g, &signatures[i], UINT64_C(1) << i);
    return g;
}

void glance_free(struct glance **glance)
{
    free(*glance);
    *glance = NULL;
}

static bool differs(const struct hint *hint, const struct payload *payload)
{
    return (payload->bytes[hint->at] ^ hint->byte) & hint->mask;
}

/* A payload without room for all of it: what lies behind its end is nowhere, but where more may
 * come. */
static bool differs_or_ends(const struct hint *hint, const struct payload *payload)
{
    if (hint->at < payload->length && differs(hint, payload))
        return true;
    return !payload->more && (payload->length + payload->missing <= hint->longer_than ||
                              (hint->asks != ANYTHING && hint->at >= payload->length));
}

/* May it match by what else is asked for? */
static bool may_match(const struct hint *hint, const struct payload *payload)
{
    const uint8_t *bytes = payload->bytes;
    if (hint->classed && hint->class_at < payload->length &&
        !signature_in_class((enum byte_class)hint->class, bytes[hint->class_at]))
        return false;
    return hint->asks != BYTE_FROM || payload->more ||
           memchr(bytes + hint->at, hint->byte, payload->length - hint->at);
}

uint64_t glance(const struct glance *g, uint64_t of, const struct payload *payload)
{
    uint64_t may = 0;
    for (const struct hint *hint = g->hints; hint < g->hints + g->count; hint++) {
        bool room = payload->length >= hint->enough;
        if (!(of & hint->signature) ||
            (room ? differs(hint, payload) : differs_or_ends(hint, payload)))
            continue;
        if (may_match(hint, payload)) {
            may |= hint->signature;
            of &= ~hint->signature;
        }
    }
    return may;
}
