#include "stages/tracker/fragments.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct part {
    struct part *next;
    uint32_t start, end;
    uint32_t captured; /* of these, from the first on */
    uint8_t bytes[];
};

/* Adds [start, end) of the body behind a part, or as the first. */
static int add_part(struct fragments *f, struct part *after, uint32_t offset,
                    const struct extent *body, uint32_t start, uint32_t end)
{
    struct extent rest = extent_behind(body, start - offset);
    extent_limit(&rest, end - start);
    struct part *part = malloc(sizeof *part + rest.captured);
    if (!part)
        return -ENOMEM;
    struct part **link = after ? &after->next : &f->first;
    part->next = *link;
    part->start = start;
    part->end = end;
    part->captured = rest.captured;
    if (rest.captured)
        memcpy(part->bytes, rest.bytes, rest.captured);
    *link = part;
    if (!part->next)
        f->last = part;
    f->came += end - start;
    return 0;
}

int fragments_add(struct fragments *fragments, uint32_t offset, const struct extent *body)
{
    uint32_t at = offset, end = offset + body->length;
    struct part *after = NULL;
    if (fragments->last && fragments->last->start <= offset)
        after = fragments->last; /* mostly fragments come in order */
    else
        for (struct part *p = fragments->first; p && p->start <= offset; p = p->next)
            after = p;
    if (after && after->end > at)
        at = after->end;
    while (at < end) {
        struct part *next = after ? after->next : fragments->first;
        uint32_t until = next && next->start < end ? next->start : end;
        if (at < until && add_part(fragments, after, offset, body, at, until) != 0)
            return -ENOMEM;
        after = next;
        at = next && until == next->start ? next->end : until;
    }
    return 0;
}

uint8_t *fragments_join(const struct fragments *fragments, uint32_t length, uint32_t *captured)
{
    assert(fragments->came == length);
    uint8_t *bytes = calloc(1, length);
    uint32_t cut = length;
    for (const struct part *p = fragments->first; bytes && p; p = p->next) {
        memcpy(bytes + p->start, p->bytes, p->captured);
        if (p->captured < p->end - p->start && p->start + p->captured < cut)
            cut = p->start + p->captured;
    }
    *captured = cut;
    return bytes;
}

void fragments_free(struct fragments *fragments)
{
    for (struct part *p = fragments->first, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    *fragments = (struct fragments){0};
}
