#include "stages/classifier/signature.h"

#include <string.h>

#include "stages/classifier/stun.h"

bool signature_applies(const struct signature *s, uint8_t transport, const uint16_t port[2])
{
    return s->transport == transport && (!s->port || s->port == port[0] || s->port == port[1]);
}

int signature_compare(const struct signature *a, const struct signature *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    return strcmp(a->name, b->name);
}

const uint64_t signature_classes[][4] = {
    [CLASS_ALNUM] = {0x03ff000000000000, 0x07fffffe07fffffe},
    [CLASS_ALPHA] = {0, 0x07fffffe07fffffe},
    [CLASS_DIGIT] = {0x03ff000000000000, 0},
    [CLASS_HEX] = {0x03ff000000000000, 0x0000007e0000007e},
    [CLASS_PRINT] = {0xffffffff00000000, 0x7fffffffffffffff},
};

static enum verdict lacking(const struct payload *payload)
{
    return payload->more ? VERDICT_MORE : VERDICT_NO;
}

/* How many of the `length` bytes at an offset are there. */
static size_t present(const struct payload *payload, size_t at, size_t length)
{
    size_t there = payload->length > at ? payload->length - at : 0;
    return there < length ? there : length;
}

static enum verdict compare_bytes(const struct condition *c, const struct payload *payload)
{
    size_t there = present(payload, c->at, c->length);
    if (there && (payload->bytes[c->at] != c->bytes[0] ||
                  memcmp(payload->bytes + c->at, c->bytes, there) != 0))
        return VERDICT_NO;
    return there == c->length ? VERDICT_YES : lacking(payload);
}

static enum verdict compare_class(const struct condition *c, const struct payload *payload)
{
    size_t there = present(payload, c->at, c->length);
    for (size_t i = 0; i < there; i++)
        if (!signature_in_class(c->class, payload->bytes[c->at + i]))
            return VERDICT_NO;
    return there == c->length ? VERDICT_YES : lacking(payload);
}

uint32_t signature_rare_byte(const uint8_t *bytes, uint32_t length)
{
    uint32_t rare = 0;
    int rarest = -1;
    for (uint32_t i = 0; i < length; i++) {
        uint8_t byte = bytes[i];
        bool lower = byte >= 'a' && byte <= 'z', padding = !byte || byte == ' ' || byte == 0xff;
        int rarity = lower || padding ? 0 : signature_in_class(CLASS_ALNUM, byte) ? 1 : 2;
        if (rarity > rarest) {
            rarest = rarity;
            rare = i;
        }
    }
    return rare;
}

/* Where the bytes stand. In most payloads the rare one does not occur, which memchr says faster
 * than any search for all of them; a payload that is full of it must not make this slow. */
static const uint8_t *search(const struct condition *c, const uint8_t *from, size_t length)
{
    enum { TRIES = 16 };
    size_t starts = length < c->length ? 0 : length - c->length + 1;
    for (int tries = 0; tries < TRIES && starts; tries++) {
        const uint8_t *at = memchr(from + c->rare, c->bytes[c->rare], starts);
        if (!at)
            return NULL;
        at -= c->rare;
        if (memcmp(at, c->bytes, c->length) == 0)
            return at;
        starts -= (size_t)(at + 1 - from);
        from = at + 1;
    }
    return starts ? memmem(from, starts - 1 + c->length, c->bytes, c->length) : NULL;
}

/* Looks for the bytes from an offset on; *found becomes the offset behind them. */
static enum verdict find_bytes(const struct condition *c, const struct payload *payload,
                               size_t *found)
{
    size_t range = c->within ? c->within - 1 + c->length : SIZE_MAX;
    size_t there = present(payload, c->at, range);
    const uint8_t *at = there ? search(c, payload->bytes + c->at, there) : NULL;
    if (!at)
        return there == range ? VERDICT_NO : lacking(payload);
    *found = (size_t)(at - payload->bytes) + c->length;
    return VERDICT_YES;
}

/* How many bytes there are once the first comes that the condition has not seen yet. */
static size_t next_seen(const struct condition *c, const struct payload *payload)
{
    return 1 + (payload->length > c->at ? payload->length : c->at);
}

static enum verdict cut_value(const struct value *value, const struct payload *payload,
                              size_t found, struct match *match)
{
    size_t at = value->at + (value->behind ? found : 0);
    size_t range = value->length ? value->length : SIZE_MAX;
    size_t there = present(payload, at, range);
    const uint8_t *first = there ? payload->bytes + at : payload->bytes;
    const uint8_t *end = value->until && there ? memchr(first, value->until_byte, there) : NULL;
    if (!end && there < range && payload->more) {
        match->needs = payload->length + 1;
        return VERDICT_MORE;
    }
    match->value = (struct slice){first, end ? (size_t)(end - first) : there};
    match->location = (uint32_t)at;
    return VERDICT_YES;
}

/* One condition that fails decides, however many others still lack bytes. */
static enum verdict try_alternative(const struct alternative *a, const struct payload *payload,
                                    struct match *match)
{
    enum verdict verdict = VERDICT_YES;
    size_t found = 0;
    match->needs = SIZE_MAX;
    if (!payload->more && payload->length + payload->missing <= a->longer_than)
        return VERDICT_NO;
    for (uint32_t i = 0; i < a->condition_count; i++) {
        const struct condition *c = &a->conditions[i];
        enum verdict one = c->kind == CONDITION_BYTES   ? compare_bytes(c, payload)
                           : c->kind == CONDITION_FOUND ? find_bytes(c, payload, &found)
                                                        : compare_class(c, payload);
        if (one == VERDICT_NO)
            return VERDICT_NO;
        if (one != VERDICT_MORE)
            continue;
        verdict = VERDICT_MORE;
        if (next_seen(c, payload) < match->needs)
            match->needs = next_seen(c, payload);
    }
    if (payload->length + payload->missing <= a->longer_than) {
        if (verdict == VERDICT_YES)
            match->needs = a->longer_than + 1 - payload->missing;
        return lacking(payload);
    }
    if (verdict == VERDICT_YES && a->value.wanted)
        return cut_value(&a->value, payload, found, match);
    return verdict;
}

enum verdict signature_match(const struct signature *s, const struct payload *payload,
                             struct match *match)
{
    enum verdict verdict = VERDICT_NO;
    *match = (struct match){0};
    for (uint32_t i = 0; i < s->alternative_count && verdict == VERDICT_NO; i++)
        verdict = try_alternative(&s->alternatives[i], payload, match);
    if (verdict == VERDICT_NO || !s->except_stun)
        return verdict;
    match->needs = payload->length + 1; /* any byte may end a message */
    bool stun = stun_recognise(payload->bytes, payload->length, payload->missing);
    return stun ? VERDICT_NO : verdict;
}
