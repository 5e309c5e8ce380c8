/*
 * A filter in the language that everybody knows from tcpdump, pcap-filter(7); libpcap compiles and
 * runs it. What an expression looks at depends on the link type of a frame, so it is compiled once
 * for every one that comes up.
 */
#ifndef TAPLINE_READER_FILTER_H
#define TAPLINE_READER_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "common/wire/frame.h"

/** Link types that one filter is compiled for; it fits no further ones. */
enum { FILTER_LINKS = 32 };

enum filter_verdict {
    FILTER_TAKES,
    FILTER_LEAVES_OUT,
    FILTER_MISFITS, /* it cannot be asked of this link type, and so leaves the frame out */
};

struct filter;

/** A filter of this expression, which is borrowed for its life. NULL, with *error set: ERR_USAGE:
 *  it is wrong for each link type that is read, and `fault` has libpcap's words about Ethernet;
 *  -ENOMEM. A host's name in it is looked up here, and for every further link type. */
struct filter *filter_new(const char *expression, char *fault, size_t fault_size, int *error);

/** Takes NULL, and sets the caller's pointer to it. */
void filter_free(struct filter **filter);

/** What becomes of a frame. */
enum filter_verdict filter_frame(struct filter *filter, const struct frame *frame);

/** Why the filter does not fit the frame that FILTER_MISFITS was said of last: libpcap's words. */
const char *filter_misfit(const struct filter *filter);

#endif
