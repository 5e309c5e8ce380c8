#include "stages/reader/pcap_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "stages/reader/source_link.h"

static const uint32_t MAGIC_MICROSECONDS = 0xa1b2c3d4;
static const uint32_t MAGIC_NANOSECONDS = 0xa1b23c4d;
static const uint32_t MAGIC_MODIFIED = 0xa1b2cd34; /* microseconds; packet headers are longer */

/* The file's header, and where in it these stand. */
enum { FILE_HEADER = 24, MAJOR_AT = 4, MINOR_AT = 6, NETWORK_AT = 20 };
enum { VERSION_MAJOR = 2, VERSION_MINOR = 4 };

/* A packet's: four numbers of 32 bits, and what the modified format adds. */
enum { SECONDS_AT = 0, FRACTION_AT = 4, CAPTURED_AT = 8, WIRE_AT = 12 };
enum { PACKET_HEADER = 16, PACKET_HEADER_MODIFIED = 24 };

struct pcap_file {
    struct window window;
    struct source_fault *fault;
    uint64_t frames;
    uint32_t link;
    uint32_t fraction_ns; /* the unit of a time's lower part */
    uint32_t header;      /* length of a packet's */
    bool swapped;         /* numbers stand in the other byte order than this machine's */
    bool exchanged;       /* before version 2.4 some wrote the two lengths the other way round */
    int ended;            /* what every further call returns; 0: not yet */
};

static uint16_t number_16(const struct pcap_file *file, const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return file->swapped ? __builtin_bswap16(value) : value;
}

static uint32_t number_32(const struct pcap_file *file, const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return file->swapped ? __builtin_bswap32(value) : value;
}

/* ---- the file's header -------------------------------------------------------------------- */

static bool is_magic(uint32_t magic)
{
    return magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS || magic == MAGIC_MODIFIED;
}

bool pcap_file_begins(const uint8_t *head, size_t length)
{
    uint32_t magic;
    if (length < sizeof magic)
        return false;
    memcpy(&magic, head, sizeof magic);
    return is_magic(magic) || is_magic(__builtin_bswap32(magic));
}

static int learn_format(struct pcap_file *file, const uint8_t *header)
{
    uint32_t magic = number_32(file, header);
    if (!is_magic(magic)) {
        file->swapped = true;
        magic = number_32(file, header);
    }
    file->fraction_ns = magic == MAGIC_NANOSECONDS ? 1 : 1000;
    file->header = magic == MAGIC_MODIFIED ? PACKET_HEADER_MODIFIED : PACKET_HEADER;
    file->link = source_link(number_32(file, header + NETWORK_AT));
    unsigned major = number_16(file, header + MAJOR_AT), minor = number_16(file, header + MINOR_AT);
    file->exchanged = minor < VERSION_MINOR;
    if (major == VERSION_MAJOR && minor <= VERSION_MINOR)
        return 0;
    source_fault_say(file->fault, "it is a pcap file of an unknown version, %u.%u", major, minor);
    return ERR_UNREADABLE;
}

static int read_file_header(struct pcap_file *file)
{
    int error = window_need(&file->window, FILE_HEADER);
    if (error == ERR_EOF)
        source_fault_say(file->fault, "it breaks off within the header of a pcap file");
    else if (error == ERR_TRUNCATED)
        source_fault_say(file->fault, "%s", inflate_fault(file->window.input));
    if (error)
        return error == ERR_EOF || error == ERR_TRUNCATED ? ERR_UNREADABLE : error;
    error = learn_format(file, window_here(&file->window));
    window_pass(&file->window, FILE_HEADER);
    return error;
}

struct pcap_file *pcap_file_new(struct inflate *input, const struct window_memory *memory,
                                struct source_fault *fault, int *error)
{
    struct pcap_file *file = calloc(1, sizeof *file);
    *error = -ENOMEM;
    if (!file)
        return NULL;
    file->window.input = input;
    file->window.memory = memory;
    file->fault = fault;
    *error = read_file_header(file);
    if (*error)
        pcap_file_free(&file);
    return file;
}

void pcap_file_free(struct pcap_file **file)
{
    if (!*file)
        return;
    window_free(&(*file)->window);
    free(*file);
    *file = NULL;
}

/* ---- packets ------------------------------------------------------------------------------ */

static int cut(const struct pcap_file *file, const char *why)
{
    source_fault_say(file->fault, "packet %llu, at byte %llu, is not whole: %s",
                     (unsigned long long)file->frames + 1,
                     (unsigned long long)window_offset(&file->window), why);
    return ERR_TRUNCATED;
}

/* The next bytes of a packet are not there: what the capture ends with, unless they may come. */
static int end(struct pcap_file *file, int error)
{
    if (error == ERR_AGAIN)
        return error;
    if (error == ERR_EOF && window_left(&file->window) > 0)
        error = cut(file, "the file ends within it");
    else if (error == ERR_TRUNCATED)
        error = cut(file, inflate_fault(file->window.input));
    return file->ended = error;
}

static int refuse_length(struct pcap_file *file, uint32_t captured)
{
    char why[80];
    snprintf(why, sizeof why, "it claims a length that cannot be, %lu bytes",
             (unsigned long)captured);
    return file->ended = cut(file, why);
}

int pcap_file_next(struct pcap_file *file, struct frame *frame)
{
    if (file->ended)
        return file->ended;
    int error = window_need(&file->window, file->header);
    if (error)
        return end(file, error);
    const uint8_t *header = window_here(&file->window);
    uint32_t captured = number_32(file, header + CAPTURED_AT);
    uint32_t wire = number_32(file, header + WIRE_AT);
    if (file->exchanged && captured > wire) {
        uint32_t least = wire;
        wire = captured;
        captured = least;
    }
    if (captured > PCAP_MOST_CAPTURED)
        return refuse_length(file, captured);
    size_t length = file->header + captured;
    error = window_need(&file->window, length);
    if (error)
        return end(file, error);
    header = window_here(&file->window); /* it may have moved */
    window_pass(&file->window, length);
    __builtin_prefetch(header + length); /* where the next one begins */
    *frame = (struct frame){
        .number = ++file->frames,
        .time_ns = (int64_t)number_32(file, header + SECONDS_AT) * 1000000000 +
                   (int64_t)number_32(file, header + FRACTION_AT) * file->fraction_ns,
        .link = file->link,
        .wire_length = wire > captured ? wire : captured,
        .bytes = header + file->header,
        .length = captured,
    };
    return 0;
}
