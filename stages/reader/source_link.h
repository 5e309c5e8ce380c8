/*
 * The link type that a capture file names, as a LINKTYPE_ value (tcpdump.org/linktypes.html).
 *
 * Raw IP is the one that writers of files got wrong: they wrote their system's own DLT_RAW, which
 * is 12 on most and 14 on OpenBSD.
 */
#ifndef TAPLINE_READER_SOURCE_LINK_H
#define TAPLINE_READER_SOURCE_LINK_H

#include <stdint.h>

/** `network`: the file header's field (pcap, with the length of the FCS in its upper bits), or an
 *  interface's link type (pcapng). */
static inline uint32_t source_link(uint32_t network)
{
    enum { RAW_OF_MOST = 12, RAW_OF_OPENBSD = 14, LINKTYPE_RAW = 101 };
    uint32_t link = network & 0x03ffffff;
    return link == RAW_OF_MOST || link == RAW_OF_OPENBSD ? LINKTYPE_RAW : link;
}

#endif
