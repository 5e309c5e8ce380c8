/*
 * Signatures over any payload: what one says of a beginning, more of which may come, it says of
 * the whole; so where segments are cut cannot matter.
 */
#include <stdint.h>
#include <stdlib.h>

#include "stages/classifier/profile.h"

enum { MOST = 256 };

/* Every means of the language, over TCP, where it has to bear being cut. */
static const char document[] =
    "{\"signatures\":["
    "{\"name\":\"bytes\",\"transport\":\"tcp\",\"label\":\"a\",\"match\":["
    "{\"where\":[{\"at\":0,\"hex\":\"13\"},{\"at\":1,\"text\":\"Bit\"}],"
    "\"value\":{\"at\":8,\"length\":20,\"until\":\"00\"}}]},"
    "{\"name\":\"else\",\"transport\":\"tcp\",\"label\":\"b\",\"match\":["
    "{\"longer_than\":30,\"where\":[{\"at\":20,\"hex\":\"00\"},{\"at\":21,\"class\":\"alnum\","
    "\"length\":4}],\"value\":{\"at\":21,\"length\":4}},"
    "{\"longer_than\":9,\"where\":[{\"at\":3,\"hex\":\"00\"},{\"at\":4,\"class\":\"hex\","
    "\"length\":4}],\"value\":{\"at\":4,\"length\":4}}]},"
    "{\"name\":\"search\",\"transport\":\"tcp\",\"label\":\"c\",\"match\":["
    "{\"where\":[{\"from\":2,\"within\":12,\"text\":\"id=\"},{\"at\":0,\"class\":\"print\","
    "\"length\":2}],\"value\":{\"behind\":1,\"length\":9,\"until\":\"3b\"}},"
    "{\"where\":[{\"from\":0,\"within\":30,\"hex\":\"0d0a\"}]}]}]}";

static void check(const struct signature *s, const uint8_t *bytes, size_t length)
{
    struct match whole, beginning;
    struct payload all = {bytes, length, 0, false};
    enum verdict verdict = signature_match(s, &all, &whole);
    if (verdict == VERDICT_MORE)
        abort();
    for (size_t i = 0; i <= length; i++) {
        struct payload payload = {bytes, i, 0, true};
        enum verdict early = signature_match(s, &payload, &beginning);
        if (early == VERDICT_MORE)
            continue;
        if (early != verdict ||
            (early == VERDICT_YES && (beginning.value.length != whole.value.length ||
                                      beginning.location != whole.location)))
            abort();
    }
    if (verdict == VERDICT_YES && whole.value.length &&
        (whole.value.bytes < bytes || whole.value.bytes + whole.value.length > bytes + length))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct profile *profile;
    char fault[PROFILE_FAULT];
    if (!profile && !(profile = profile_parse(document, sizeof document - 1, fault)))
        abort();
    if (length > MOST)
        return 0;
    for (size_t i = 0; i < profile_count(profile); i++)
        check(profile_signature(profile, i), bytes, length);
    return 0;
}
