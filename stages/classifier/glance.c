#include "stages/classifier/glance.h"

#include <stdlib.h>
#include <string.h>

/* What one alternative asks of a payload's length and of single bytes. */
struct hint {
    uint64_t signature; /* its bit */
    enum { ANYTHING, BYTE_AT, BYTE_FROM } asks;
    uint32_t at;
    uint32_t longer_than;
    uint32_t class_at; /* here, where `classed` is set, */
    uint8_t byte;
    uint8_t classed;
    uint8_t class; /* is a byte of this class */
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
        }
    }
    return hint;
}

/* Alternatives that search for the same from different places on are one search for a glance. */
static void add(struct glance *g, const struct hint *hint)
{
    struct hint *last = g->count ? &g->hints[g->count - 1] : NULL;
    if (!last || last->signature != hint->signature || last->asks != BYTE_FROM ||
        hint->asks != BYTE_FROM || last->byte != hint->byte || last->classed || hint->classed) {
        g->hints[g->count++] = *hint;
        return;
    }
    if (hint->at < last->at)
        last->at = hint->at;
    if (hint->longer_than < last->longer_than)
        last->longer_than = hint->longer_than;
}

struct glance *glance_new(const struct signature *signatures, size_t count, uint8_t transport)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most += 1 + signatures[i].alternative_count;
    struct glance *g = calloc(1, sizeof *g + most * sizeof g->hints[0]);
    for (size_t i = 0; g && i < count; i++) {
        const struct signature *s = &signatures[i];
        struct hint hint = {.signature = UINT64_C(1) << i};
        if (s->transport != transport)
            continue;
        if (s->kind != SIGNATURE_MATCH)
            add(g, &hint);
        for (uint32_t n = 0; s->kind == SIGNATURE_MATCH && n < s->alternative_count; n++) {
            hint = hint_of(&s->alternatives[n], UINT64_C(1) << i);
            add(g, &hint);
        }
    }
    return g;
}

void glance_free(struct glance **glance)
{
    free(*glance);
    *glance = NULL;
}

/* What lies behind the payload's end is nowhere, but where more may come. */
static bool may_match(const struct hint *hint, const struct payload *payload)
{
    if (!payload->more && payload->length + payload->missing <= hint->longer_than)
        return false;
    if (hint->asks != ANYTHING && hint->at >= payload->length)
        return payload->more;
    const uint8_t *at = payload->bytes + hint->at;
    if (hint->asks == BYTE_AT && *at != hint->byte)
        return false;
    if (hint->classed && hint->class_at < payload->length &&
        !signature_in_class((enum byte_class)hint->class, payload->bytes[hint->class_at]))
        return false;
    return hint->asks != BYTE_FROM || payload->more ||
           memchr(at, hint->byte, payload->length - hint->at);
}

uint64_t glance(const struct glance *g, uint64_t of, const struct payload *payload)
{
    uint64_t may = 0;
    for (const struct hint *hint = g->hints; hint < g->hints + g->count; hint++)
        if (of & hint->signature & ~may && may_match(hint, payload))
            may |= hint->signature;
    return may;
}
