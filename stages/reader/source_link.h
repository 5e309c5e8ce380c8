/*
 * The link type that a capture file names, as a LINKTYPE_ value (tcpdump.org/linktypes.html), and
 * what libpcap calls it.
 *
 * Raw IP is the one that writers of files got wrong: they wrote their system's own DLT_RAW, which
 * is 12 on most and 14 on OpenBSD.
 */
#ifndef TAPLINE_READER_SOURCE_LINK_H
#define TAPLINE_READER_SOURCE_LINK_H

#include <stdint.h>

#include "common/net/link.h"

/** `network`: the file header's field (pcap; what stands above its 16 bits is the length of the
 *  FCS, and bits that a reader must not look at), or an interface's link type (pcapng). */
static inline uint32_t source_link(uint32_t network)
{
    uint32_t link = network & 0xffff;
    return link == LINK_RAW_BSD || link == LINK_RAW_OPENBSD ? LINK_RAW : link;
}

/** The DLT_ value that stands for a link type in this system's libpcap. */
int source_link_dlt(uint32_t link);

/** A link type for people: "802.11". Static or thread-local storage, until the next call. */
const char *source_link_name(uint32_t link);

#endif
