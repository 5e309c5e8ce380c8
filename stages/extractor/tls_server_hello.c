#include "stages/extractor/tls_server_hello.h"

#include <string.h>

#include "common/base/cursor.h"

enum { EXTENSION_SUPPORTED_VERSIONS = 43, RANDOM = 32, TLS_1_3 = 0x0304, DRAFT = 0x7f };

/* The random of a HelloRetryRequest: SHA-256 of its name (RFC 8446, section 4.1.3). */
static const uint8_t retry_random[RANDOM] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static bool is_1_3(uint16_t version)
{
    return version == TLS_1_3 || version >> 8 == DRAFT;
}

bool tls_server_hello_last(const uint8_t *body, size_t length)
{
    struct cursor in = cursor_over(body, length);
    uint16_t version = cursor_u16(&in);
    const uint8_t *random = cursor_take(&in, RANDOM);
    if (!random || memcmp(random, retry_random, RANDOM) == 0)
        return false;
    if (is_1_3(version))
        return true;                                      /* drafts before 22 said so here */
    cursor_skip(&in, cursor_u8(&in));                     /* session id */
    cursor_skip(&in, sizeof(uint16_t) + sizeof(uint8_t)); /* cipher suite, compression method */
    struct cursor extensions = cursor_slice(&in, cursor_u16(&in));
    while (cursor_left(&extensions) > 0) {
        uint16_t type = cursor_u16(&extensions);
        struct cursor extension = cursor_slice(&extensions, cursor_u16(&extensions));
        if (type == EXTENSION_SUPPORTED_VERSIONS)
            return is_1_3(cursor_u16(&extension));
    }
    return false;
}
