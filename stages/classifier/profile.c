#include "stages/classifier/profile.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/event.h"
#include "stages/classifier/glance.h"
#include "stages/classifier/members.h"
#include "stages/classifier/profile_json.h"
#include "stages/classifier/signature_read.h"

struct profile {
    struct glance *glance[2]; /* of UDP, of TCP */
    size_t count;
    struct signature signatures[];
};

static int by_rank(const void *a, const void *b)
{
    return signature_compare(a, b);
}

static bool is_named(const struct profile *profile, const char *name)
{
    for (size_t i = 0; i < profile->count; i++)
        if (strcmp(profile->signatures[i].name, name) == 0)
            return true;
    return false;
}

static bool read_signatures(struct json_object *list, struct profile *profile,
                            const struct fault *fault)
{
    for (; profile->count < json_object_array_length(list); profile->count++) {
        struct signature *s = &profile->signatures[profile->count];
        if (!signature_read(json_object_array_get_idx(list, profile->count), s, *fault))
            return false;
        if (is_named(profile, s->name))
            return fault_say(fault, "signature \"%s\" is there twice", s->name);
    }
    qsort(profile->signatures, profile->count, sizeof profile->signatures[0], by_rank);
    return true;
}

static bool make_glances(struct profile *profile)
{
    static const uint8_t transports[] = {TRANSPORT_UDP, TRANSPORT_TCP};
    for (int tcp = 0; tcp < 2; tcp++)
        profile->glance[tcp] = glance_new(profile->signatures, profile->count, transports[tcp]);
    return profile->glance[0] && profile->glance[1];
}

static struct profile *read_document(struct json_object *document, const struct fault *fault)
{
    static const char *const known[] = {"platforms", "signatures", NULL};
    struct json_object *list;
    if (!members_known(document, "a profile", known, fault) ||
        !member_objects(document, "signatures", 0, PROFILE_SIGNATURES, &list, fault))
        return NULL;
    struct profile *profile =
        calloc(1, sizeof *profile + json_object_array_length(list) * sizeof profile->signatures[0]);
    if (!profile)
        fault_say(fault, "no memory");
    else if (!read_signatures(list, profile, fault))
        profile_free(&profile);
    else if (!make_glances(profile)) {
        fault_say(fault, "no memory");
        profile_free(&profile);
    }
    return profile;
}

struct profile *profile_parse(const char *text, size_t length, char fault_text[PROFILE_FAULT])
{
    static const char none[] = "{\"signatures\":[]}";
    struct fault fault = {fault_text, PROFILE_FAULT, "the capture's profile", NULL};
    struct json_object *document =
        length ? profile_json(text, length, &fault) : profile_json(none, sizeof none - 1, &fault);
    if (!document)
        return NULL;
    struct profile *profile = read_document(document, &fault);
    json_object_put(document);
    return profile;
}

void profile_free(struct profile **profile)
{
    if (!*profile)
        return;
    glance_free(&(*profile)->glance[0]);
    glance_free(&(*profile)->glance[1]);
    free(*profile);
    *profile = NULL;
}

size_t profile_count(const struct profile *profile)
{
    return profile->count;
}

const struct signature *profile_signature(const struct profile *profile, size_t index)
{
    return &profile->signatures[index];
}

uint64_t profile_glance(const struct profile *profile, bool tcp, uint64_t of,
                        const struct payload *payload)
{
    return glance(profile->glance[tcp], of, payload);
}
