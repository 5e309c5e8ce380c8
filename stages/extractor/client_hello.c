#include "stages/extractor/client_hello.h"

#include "common/base/cursor.h"
#include "common/base/error.h"

enum { EXTENSION_SERVER_NAME = 0, NAME_TYPE_HOST_NAME = 0, RANDOM = 32 };

/* RFC 6066, section 3: a list of names, each with its type. */
static struct slice first_host_name(struct cursor extension)
{
    struct cursor list = cursor_slice(&extension, cursor_u16(&extension));
    while (cursor_left(&list) > 0) {
        uint8_t type = cursor_u8(&list);
        size_t length = cursor_u16(&list);
        const uint8_t *name = cursor_take(&list, length);
        if (name && type == NAME_TYPE_HOST_NAME)
            return (struct slice){name, length};
    }
    return (struct slice){NULL, 0};
}

int client_hello_parse(const uint8_t *body, size_t length, struct client_hello *hello)
{
    *hello = (struct client_hello){{NULL, 0}};
    struct cursor in = cursor_over(body, length);
    cursor_skip(&in, sizeof(uint16_t) + RANDOM); /* legacy_version, random */
    cursor_skip(&in, cursor_u8(&in));            /* session id */
    cursor_skip(&in, cursor_u16(&in));           /* cipher suites */
    cursor_skip(&in, cursor_u8(&in));            /* compression methods */
    if (in.bad)
        return ERR_MALFORMED;
    if (cursor_left(&in) == 0)
        return 0; /* before TLS 1.2 a hello may end here */
    struct cursor extensions = cursor_slice(&in, cursor_u16(&in));
    while (cursor_left(&extensions) > 0) {
        uint16_t type = cursor_u16(&extensions);
        struct cursor extension = cursor_slice(&extensions, cursor_u16(&extensions));
        if (type == EXTENSION_SERVER_NAME && hello->server_name.length == 0)
            hello->server_name = first_host_name(extension);
    }
    return extensions.bad ? ERR_MALFORMED : 0;
}
