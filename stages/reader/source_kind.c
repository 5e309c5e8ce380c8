#include "stages/reader/source_kind.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct kind {
    const char *begins;
    size_t length;
    const char *name;
};

static const struct kind kinds[] = {
    {"\xfd"
     "7zXZ",
     5, "it is an xz file: decompress it first"},
    {"BZh", 3, "it is a bzip2 file: decompress it first"},
    {"\x04\x22\x4d\x18", 4, "it is an lz4 file: decompress it first"},
    {"PK\x03\x04", 4, "it is a zip archive: take the capture out of it first"},
    {"7z\xbc\xaf", 4, "it is a 7z archive: take the capture out of it first"},
    {"snoop\0", 6, "it is a snoop capture: editcap makes pcapng of it"},
    {"RTSS", 4, "it is a Network Monitor 1 capture: editcap makes pcapng of it"},
    {"GMBU", 4, "it is a Network Monitor 2 capture: editcap makes pcapng of it"},
    {"TRSNIFF data", 12, "it is a Sniffer capture: editcap makes pcapng of it"},
    {"\x1f\x8b", 2, "the gzip data in it is no capture"},
};

static bool is_text(const uint8_t *head, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isprint(head[i]) && !isspace(head[i]))
            return false;
    return true;
}

const char *source_kind(const uint8_t *head, size_t length)
{
    if (length == 0)
        return "it is empty";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (length >= kinds[i].length && memcmp(head, kinds[i].begins, kinds[i].length) == 0)
            return kinds[i].name;
    return is_text(head, length) ? "it looks like text" : "its first bytes are of no known kind";
}
