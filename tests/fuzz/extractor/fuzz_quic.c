/* QUIC: datagrams as they stand; and, for a special chunk, a client's frames, which are sealed
 * here, as no fuzzer would find the keys. */
#include "tests/fuzz/extractor/chunks.h"
#include "tests/unit/extractor/quic_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void feed_frames(struct feed *f, const struct chunk *chunk)
{
    static struct sealed frames, packet;
    static const char *const ids[] = {"conn-one", "conn-two", "conn-3rd", "conn-4th", "conn-5th"};
    frames.length = packet.length = 0;
    seal_put(&frames, chunk->bytes, chunk->length);
    seal_put(&frames, "\0\0\0", 4);
    size_t id = (chunk->flags >> 4) % (sizeof ids / sizeof *ids);
    seal_initial(&packet, 1, ids[id], ids[id], &frames);
    feed_data(f, chunk->flags & CHUNK_RESPONDER ? 1 : 0, packet.bytes, packet.length, 0, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cursor in = cursor_over(bytes, length);
    struct feed f = feed_open(&protocol_quic, TRANSPORT_UDP, 443);
    struct chunk chunk;
    while (chunk_next(&in, &chunk)) {
        if (chunk.flags & CHUNK_SPECIAL)
            feed_frames(&f, &chunk);
        else if (!(chunk.flags & CHUNK_GAP))
            chunk_feed(&f, &chunk);
    }
    feed_free(&f);
    return 0;
}
