#include "stages/reader/pcap_file.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/error.h"
#include "stages/reader/source_link.h"

enum { SNAP_LENGTH_AT = 16, NETWORK_AT = 20 }; /* in the file's header */

struct pcap_file {
    pcap_t *pcap;
    struct inflate *input;
    struct source_fault *fault;
    uint64_t frames;
    uint32_t link;
    int ended; /* what every further call returns; 0: not yet */
};

bool pcap_file_begins(const uint8_t *head, size_t length)
{
    static const uint32_t magics[] = {
        0xa1b2c3d4, /* microseconds */
        0xa1b23c4d, /* nanoseconds */
        0xa1b2cd34, /* modified: longer packet headers */
    };
    struct cursor cursor = cursor_over(head, length);
    uint32_t magic = cursor_u32(&cursor);
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (magic == magics[i] || magic == __builtin_bswap32(magics[i]))
            return true;
    return false;
}

/* libpcap cuts every packet to the snap length in the header, also where the file holds more of it
 * (the field is often wrong). Zero stands for none. */
static void forget_snap_length(uint8_t *head, size_t length)
{
    if (length >= SNAP_LENGTH_AT + sizeof(uint32_t))
        memset(head + SNAP_LENGTH_AT, 0, sizeof(uint32_t));
}

static uint32_t link_in_header(const uint8_t *head, bool swapped)
{
    uint32_t network;
    memcpy(&network, head + NETWORK_AT, sizeof network);
    return source_link(swapped ? __builtin_bswap32(network) : network);
}

static pcap_t *open_pcap(struct inflate *input, struct source_fault *fault, int *error)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    FILE *stream = inflate_file(input);
    if (!stream) {
        *error = -ENOMEM;
        return NULL;
    }
    pcap_t *pcap =
        pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!pcap) {
        source_fault_say(fault, "%s", *inflate_fault(input) ? inflate_fault(input) : why);
        *error = inflate_error(input) == ERR_STOPPED ? ERR_STOPPED : ERR_UNREADABLE;
        fclose(stream);
    }
    return pcap;
}

struct pcap_file *pcap_file_new(struct inflate *input, struct source_fault *fault, int *error)
{
    size_t length;
    uint8_t *head = inflate_head(input, &length);
    forget_snap_length(head, length);
    struct pcap_file *file = calloc(1, sizeof *file);
    if (!file) {
        *error = -ENOMEM;
        return NULL;
    }
    file->input = input;
    file->fault = fault;
    file->pcap = open_pcap(input, fault, error);
    if (file->pcap)
        file->link = link_in_header(head, pcap_is_swapped(file->pcap));
    else
        pcap_file_free(&file);
    return file;
}

void pcap_file_free(struct pcap_file **file)
{
    if (!*file)
        return;
    if ((*file)->pcap)
        pcap_close((*file)->pcap);
    free(*file);
    *file = NULL;
}

/* Seconds are unsigned in the file, and libpcap takes them for signed. */
static int64_t time_of(const struct pcap_pkthdr *header)
{
    return (int64_t)(uint32_t)header->ts.tv_sec * 1000000000 + header->ts.tv_usec;
}

static int end(struct pcap_file *file, int status)
{
    file->ended = inflate_error(file->input);
    if (!file->ended)
        file->ended = status == PCAP_ERROR_BREAK ? ERR_EOF : ERR_TRUNCATED;
    if (file->ended == ERR_TRUNCATED) {
        const char *why = inflate_fault(file->input);
        source_fault_say(file->fault, "packet %llu is not whole: %s (%llu bytes were read)",
                         (unsigned long long)file->frames + 1, *why ? why : pcap_geterr(file->pcap),
                         (unsigned long long)inflate_given(file->input));
    }
    return file->ended;
}

int pcap_file_next(struct pcap_file *file, struct frame *frame)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    if (file->ended)
        return file->ended;
    int status = pcap_next_ex(file->pcap, &header, &bytes);
    if (status != 1)
        return end(file, status);
    *frame = (struct frame){
        .number = ++file->frames,
        .time_ns = time_of(header),
        .link = file->link,
        .wire_length = header->len > header->caplen ? header->len : header->caplen,
        .bytes = bytes,
        .length = header->caplen,
    };
    return 0;
}
