/* DNS: the first byte chooses between datagrams and a stream. A special chunk is a datagram that
 * the snap length cut. */
#include "tests/fuzz/extractor/chunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cursor in = cursor_over(bytes, length);
    uint8_t transport = cursor_u8(&in) & 1 ? TRANSPORT_TCP : TRANSPORT_UDP;
    struct feed f = feed_open(&protocol_dns, transport, 53);
    struct chunk chunk;
    while (chunk_next(&in, &chunk)) {
        int side = chunk.flags & CHUNK_RESPONDER ? 1 : 0;
        if (transport == TRANSPORT_UDP && chunk.flags & CHUNK_GAP)
            continue;
        if (transport == TRANSPORT_UDP && chunk.flags & CHUNK_SPECIAL)
            feed_data(&f, side, chunk.bytes, chunk.length, 0, 100);
        else
            chunk_feed(&f, &chunk);
    }
    feed_free(&f);
    return 0;
}
