/* Any text as a profile: taken or refused with a fault that says why; what is taken is in bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/event.h"
#include "stages/classifier/profile.h"

static void check(const struct signature *s)
{
    if (s->alternative_count > SIGNATURE_ALTERNATIVES || strlen(s->name) >= SIGNATURE_NAME ||
        (s->kind == SIGNATURE_MATCH) != (s->alternative_count > 0))
        abort();
    for (uint32_t i = 0; i < s->alternative_count; i++) {
        const struct alternative *a = &s->alternatives[i];
        if (a->condition_count == 0 || a->condition_count > SIGNATURE_CONDITIONS)
            abort();
        for (uint32_t n = 0; n < a->condition_count; n++) {
            const struct condition *c = &a->conditions[n];
            if (c->length == 0 || c->at > SIGNATURE_OFFSET || c->within > SIGNATURE_OFFSET ||
                (c->kind != CONDITION_CLASS && c->length > SIGNATURE_TEXT) ||
                (c->kind == CONDITION_FOUND && s->transport == TRANSPORT_TCP && !c->within))
                abort();
        }
        if (a->value.wanted && s->transport == TRANSPORT_TCP && !a->value.length)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char fault[PROFILE_FAULT] = "";
    struct profile *profile = profile_parse((const char *)bytes, length, fault);
    if (!profile && (fault[0] == '\0' || !memchr(fault, '\0', sizeof fault)))
        abort();
    for (size_t i = 0; profile && i < profile_count(profile); i++) {
        check(profile_signature(profile, i));
        if (i > 0 && signature_compare(profile_signature(profile, i - 1),
                                       profile_signature(profile, i)) >= 0)
            abort();
    }
    if (profile)
        profile_free(&profile);
    return 0;
}
