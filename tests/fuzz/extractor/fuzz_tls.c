/* TLS: what two streams say, in segments and with gaps. */
#include "tests/fuzz/extractor/chunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cursor in = cursor_over(bytes, length);
    struct feed f = feed_open(&protocol_tls, TRANSPORT_TCP, 443);
    struct chunk chunk;
    while (chunk_next(&in, &chunk))
        chunk_feed(&f, &chunk);
    feed_free(&f);
    return 0;
}
