/* Any datagram as a STUN message: what comes of its attributes is msgpack of the promised shape. */
#include <stdint.h>
#include <stdlib.h>

#include "common/wire/unpack.h"
#include "stages/classifier/stun.h"

static void check_object(struct slice text)
{
    struct buffer pairs = {0};
    uint32_t count = 0;
    uint64_t digest[2];
    if (stun_object(text, "data_ip", &pairs, &count, digest) == 0) {
        struct unpack u = unpack_over(pairs.bytes, pairs.length);
        for (uint32_t i = 0; i < count; i++) {
            unpack_str(&u);
            unpack_skip(&u);
        }
        if (u.error || u.at != u.end)
            abort();
    } else if (pairs.length) {
        abort();
    }
    buffer_free(&pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct slice text;
    check_object((struct slice){bytes, length});
    bool message = stun_recognise(bytes, length, 0);
    for (size_t i = 20; i < length; i++)
        if (message && !stun_recognise(bytes, i, length - i))
            abort();
    if (!message)
        return 0;
    struct cursor attributes = stun_attributes(bytes, length);
    while (stun_next(&attributes, 0xe002, &text))
        check_object(text);
    return 0;
}
