/*
 * Frames of both sides after an upgrade, once in large segments and once byte by byte: the same
 * addresses must be found, and only addresses.
 */
#include "tests/unit/extractor/rig.h"

enum { LARGEST = 997 };

static void check_key(struct slice key)
{
    static const char letters[] = "0123456789.:-";
    for (size_t i = 0; i < key.length; i++)
        if (!memchr(letters, key.bytes[i], sizeof letters - 1))
            abort();
}

static void check_record(const struct rig *rig, size_t n)
{
    struct unpack u = unpack_over(rig->maps.bytes + rig->record[n].at, rig->record[n].length);
    uint32_t pairs = unpack_map(&u);
    unpack_str(&u);
    uint32_t keys = unpack_array(&u);
    for (uint32_t i = 0; i < keys; i++)
        check_key(unpack_str(&u));
    if (u.error || pairs != 1 || keys == 0)
        abort();
}

static struct rig *play(const uint8_t *bytes, size_t length, size_t segment)
{
    struct rig *rig = rig_new(&LIMITS_DEFAULT, TAPLINE_HINT_HTTP | TAPLINE_HINT_WS_ADDRESSES);
    rig_say(rig, RIG_CLIENT, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    rig_say(rig, RIG_SERVER, "HTTP/1.1 101 Up\r\nUpgrade: websocket\r\n\r\n");
    for (size_t at = 0; at < length;) {
        int side = bytes[at] & 1;
        size_t run = (size_t)(bytes[at] >> 1) + 1;
        at++;
        run = run < length - at ? run : length - at;
        for (size_t from = 0; from < run; from += segment) {
            rig->packet -= from > 0; /* one packet, however it is cut */
            rig_data(rig, side, bytes + at + from, run - from < segment ? run - from : segment);
        }
        at += run;
    }
    rig_close(rig, true, true);
    if (rig->error)
        abort();
    for (size_t i = 1; i < rig->records; i++)
        check_record(rig, i);
    return rig;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct rig *whole = play(bytes, length, LARGEST), *cut = play(bytes, length, 1);
    struct buffer one = {0}, other = {0};
    rig_result(whole, &one);
    rig_result(cut, &other);
    if (one.length != other.length || memcmp(one.bytes, other.bytes, one.length) != 0)
        abort();
    buffer_free(&one);
    buffer_free(&other);
    rig_free(&whole);
    rig_free(&cut);
    return 0;
}
