#include "stages/reader/pcapng_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/error.h"
#include "stages/reader/pcapng_time.h"
#include "stages/reader/source_link.h"

enum block_type {
    BLOCK_SECTION = 0x0a0d0d0a, /* reads the same in both byte orders */
    BLOCK_INTERFACE = 1,
    BLOCK_OBSOLETE_PACKET = 2,
    BLOCK_SIMPLE_PACKET = 3,
    BLOCK_ENHANCED_PACKET = 6,
};

enum {
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    BLOCK_HEADER = 8,    /* type and total length */
    BLOCK_TRAILER = 4,   /* total length again */
    SECTION_HEADER = 12, /* type, total length, byte order */
    VERSION_MAJOR = 1,
    MICROSECONDS = 6,
};

enum option { OPTION_END = 0, OPTION_TIME_RESOLUTION = 9, OPTION_TIME_OFFSET = 14 };

struct interface {
    uint32_t link;
    uint32_t snap_length; /* 0: none */
    struct pcapng_time clock;
};

/* One block, between its header and its trailer. */
struct block {
    uint32_t type;
    struct cursor body;
};

struct pcapng_file {
    struct window window; /* from the next block on */
    struct source_fault *fault;
    uint64_t offset; /* where the next block stands in the whole content, */
    uint64_t block;  /* and the one in hand */
    bool big_endian; /* this section's */
    struct interface *interfaces;
    size_t interface_count;
    size_t interface_room;
    uint64_t frames;
    int64_t time_ns; /* of the last frame */
    int ended;       /* what every further call returns; 0: not yet */
};

/* ---- numbers in the section's byte order ------------------------------------------------- */

static uint16_t take_u16(const struct pcapng_file *file, struct cursor *from)
{
    uint16_t value = cursor_u16(from);
    return file->big_endian ? value : __builtin_bswap16(value);
}

static uint32_t take_u32(const struct pcapng_file *file, struct cursor *from)
{
    uint32_t value = cursor_u32(from);
    return file->big_endian ? value : __builtin_bswap32(value);
}

static uint64_t take_u64(const struct pcapng_file *file, struct cursor *from)
{
    uint64_t value = cursor_u64(from);
    return file->big_endian ? value : __builtin_bswap64(value);
}

/* A time stamp: its upper half stands first in either byte order. */
static uint64_t take_stamp(const struct pcapng_file *file, struct cursor *from)
{
    uint64_t high = take_u32(file, from);
    return high << 32 | take_u32(file, from);
}

/* ---- blocks ------------------------------------------------------------------------------ */

static int cut(struct pcapng_file *file, const char *why)
{
    source_fault_say(file->fault, "the block at byte %llu, behind packet %llu, %s",
                     (unsigned long long)file->block, (unsigned long long)file->frames, why);
    return ERR_TRUNCATED;
}

/* Reads on until so many bytes of the next block are there. 0, ERR_EOF where the content ends
 * before them, or what else is wrong. */
static int need(struct pcapng_file *file, size_t length)
{
    int error = window_need(&file->window, length);
    return error == ERR_TRUNCATED ? cut(file, inflate_fault(file->window.input)) : error;
}

/* A section's header says in which byte order it and all that follows stands. */
static int learn_byte_order(struct pcapng_file *file)
{
    int error = need(file, SECTION_HEADER);
    if (error)
        return error;
    struct cursor order = cursor_over(window_here(&file->window) + BLOCK_HEADER, 4);
    uint32_t magic = cursor_u32(&order);
    if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC))
        return cut(file, "begins a section with no byte order");
    file->big_endian = magic == BYTE_ORDER_MAGIC;
    return 0;
}

static int check_length(struct pcapng_file *file, uint32_t length)
{
    char why[80];
    if (length >= BLOCK_HEADER + BLOCK_TRAILER && length % 4 == 0 && length <= PCAPNG_MOST_BLOCK)
        return 0;
    snprintf(why, sizeof why, "claims a length that cannot be: %lu bytes", (unsigned long)length);
    return cut(file, why);
}

static int read_header(struct pcapng_file *file, uint32_t *type, uint32_t *length)
{
    int error = need(file, BLOCK_HEADER);
    if (error)
        return error;
    struct cursor peek = cursor_over(window_here(&file->window), BLOCK_HEADER);
    if (cursor_u32(&peek) == BLOCK_SECTION)
        error = learn_byte_order(file);
    if (error)
        return error;
    struct cursor header = cursor_over(window_here(&file->window), BLOCK_HEADER);
    *type = take_u32(file, &header);
    *length = take_u32(file, &header);
    return check_length(file, *length);
}

/* The next block; ERR_EOF only where the content ends between two. */
static int next_block(struct pcapng_file *file, struct block *block)
{
    uint32_t length;
    file->block = file->offset;
    int error = read_header(file, &block->type, &length);
    if (error == ERR_EOF && window_left(&file->window) == 0)
        return ERR_EOF;
    if (!error)
        error = need(file, length);
    if (error)
        return error == ERR_EOF ? cut(file, "breaks off") : error;
    struct cursor whole = cursor_over(window_here(&file->window), length);
    cursor_skip(&whole, BLOCK_HEADER);
    block->body = cursor_slice(&whole, length - BLOCK_HEADER - BLOCK_TRAILER);
    if (take_u32(file, &whole) != length)
        return cut(file, "has two different lengths at its ends");
    window_pass(&file->window, length);
    file->offset += length;
    return 0;
}

/* ---- sections and interfaces -------------------------------------------------------------- */

static int begin_section(struct pcapng_file *file, struct cursor body)
{
    char why[80];
    cursor_skip(&body, sizeof(uint32_t));
    unsigned major = take_u16(file, &body), minor = take_u16(file, &body);
    file->interface_count = 0;
    if (!body.bad && major == VERSION_MAJOR)
        return 0;
    snprintf(why, sizeof why, "begins a section of an unknown version, %u.%u", major, minor);
    return cut(file, why);
}

/* Looks for what an interface's options say about its clock; false where they break off. An
 * option is its code, its length and its value, padded to 32 bits. */
static bool read_clock(const struct pcapng_file *file, struct cursor options,
                       struct pcapng_time *clock)
{
    uint8_t resolution = MICROSECONDS;
    uint64_t offset = 0;
    while (cursor_left(&options) > 0) {
        uint16_t code = take_u16(file, &options);
        uint16_t length = take_u16(file, &options);
        struct cursor value = cursor_slice(&options, (length + 3u) & ~3u);
        if (code == OPTION_END || options.bad)
            break;
        if (code == OPTION_TIME_RESOLUTION)
            resolution = cursor_u8(&value);
        else if (code == OPTION_TIME_OFFSET)
            offset = take_u64(file, &value);
        if (value.bad)
            return false;
    }
    *clock = pcapng_time_of(resolution, (int64_t)offset);
    return !options.bad;
}

static int add_interface(struct pcapng_file *file, struct cursor body)
{
    if (file->interface_count == PCAPNG_MOST_INTERFACES)
        return cut(file, "is one interface too many for a section");
    if (file->interface_count == file->interface_room) {
        size_t room = file->interface_room ? file->interface_room * 2 : 8;
        struct interface *grown = realloc(file->interfaces, room * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        file->interfaces = grown;
        file->interface_room = room;
    }
    struct interface *interface = &file->interfaces[file->interface_count];
    interface->link = source_link(take_u16(file, &body));
    cursor_skip(&body, sizeof(uint16_t));
    interface->snap_length = take_u32(file, &body);
    if (body.bad || !read_clock(file, body, &interface->clock))
        return cut(file, "describes an interface and breaks off in that");
    file->interface_count++;
    return 0;
}

/* ---- packets ------------------------------------------------------------------------------ */

static int give(struct pcapng_file *file, struct frame *frame, const struct interface *interface,
                struct cursor *body, uint32_t captured)
{
    frame->bytes = cursor_take(body, captured);
    if (body->bad)
        return cut(file, "is shorter than the packet that it claims to hold");
    frame->length = captured;
    if (frame->wire_length < captured)
        frame->wire_length = captured;
    frame->link = interface->link;
    frame->time_ns = file->time_ns;
    frame->number = ++file->frames;
    return 0;
}

/* Enhanced packet blocks, and the obsolete ones that differ in their first fields. */
static int packet(struct pcapng_file *file, struct block *block, struct frame *frame)
{
    struct cursor *body = &block->body;
    uint32_t id;
    if (block->type == BLOCK_ENHANCED_PACKET) {
        id = take_u32(file, body);
    } else {
        id = take_u16(file, body);
        cursor_skip(body, sizeof(uint16_t)); /* packets dropped before this one */
    }
    uint64_t stamp = take_stamp(file, body);
    uint32_t captured = take_u32(file, body);
    frame->wire_length = take_u32(file, body);
    if (!body->bad && id >= file->interface_count)
        return cut(file, "names an interface that the section has not described");
    if (body->bad)
        return cut(file, "is too short for a packet");
    const struct interface *interface = &file->interfaces[id];
    file->time_ns = pcapng_time_ns(&interface->clock, stamp);
    return give(file, frame, interface, body, captured);
}

/* A simple packet block says neither interface (it is the first) nor captured length. */
static int simple_packet(struct pcapng_file *file, struct cursor body, struct frame *frame)
{
    if (file->interface_count == 0)
        return cut(file, "names an interface that the section has not described");
    const struct interface *interface = &file->interfaces[0];
    frame->wire_length = take_u32(file, &body);
    uint32_t captured = frame->wire_length;
    if (interface->snap_length && captured > interface->snap_length)
        captured = interface->snap_length;
    return give(file, frame, interface, &body, captured);
}

static int next_frame(struct pcapng_file *file, struct frame *frame)
{
    for (;;) {
        struct block block;
        int error = next_block(file, &block);
        if (error)
            return error;
        switch (block.type) {
        case BLOCK_SECTION: error = begin_section(file, block.body); break;
        case BLOCK_INTERFACE: error = add_interface(file, block.body); break;
        case BLOCK_ENHANCED_PACKET:
        case BLOCK_OBSOLETE_PACKET: return packet(file, &block, frame);
        case BLOCK_SIMPLE_PACKET: return simple_packet(file, block.body, frame);
        default: break;
        }
        if (error)
            return error;
    }
}

int pcapng_file_next(struct pcapng_file *file, struct frame *frame)
{
    if (file->ended)
        return file->ended;
    int error = next_frame(file, frame);
    file->ended = error == ERR_AGAIN ? 0 : error;
    return error;
}

/* ---- the object --------------------------------------------------------------------------- */

bool pcapng_file_begins(const uint8_t *head, size_t length)
{
    struct cursor cursor = cursor_over(head, length);
    return cursor_u32(&cursor) == BLOCK_SECTION;
}

struct pcapng_file *pcapng_file_new(struct inflate *input, const struct window_memory *memory,
                                    struct source_fault *fault, int *error)
{
    struct pcapng_file *file = calloc(1, sizeof *file);
    if (!file) {
        *error = -ENOMEM;
        return NULL;
    }
    file->window.input = input;
    file->window.memory = memory;
    file->fault = fault;
    struct block block;
    *error = next_block(file, &block);
    if (!*error)
        *error = begin_section(file, block.body);
    if (*error == ERR_TRUNCATED)
        *error = ERR_UNREADABLE;
    if (*error)
        pcapng_file_free(&file);
    return file;
}

void pcapng_file_free(struct pcapng_file **file)
{
    if (!*file)
        return;
    window_free(&(*file)->window);
    free((*file)->interfaces);
    free(*file);
    *file = NULL;
}
